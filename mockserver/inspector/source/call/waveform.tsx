// The audio of a call: the caller's wave above the agent's, to be played and kept.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api, type Call, type Event } from "../api";
import { callChanges } from "../journal/journal";
import { minutes } from "../words";
import { peaks, read, type Recording } from "./wav";

const AGAIN_AFTER_MS = 1000;
/** While more is kept than this, a call in progress is drawn when it is over. */
const MOST_LIVE_BYTES = 4_000_000;
const TOLD = new Set(["Clear", "Digit", "ToolInvoked", "ToolResult", "TextMessage", "Mark"]);

interface Props {
  call: Call;
  events: readonly Event[];
  chosen: Event | undefined;
}

export function Waveform({ call, events, chosen }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const player = useRef<HTMLAudioElement>(null);
  const [{ at, playing }, setPlaying] = useState({ at: 0, playing: false });
  const audio = useAudio(call, playing, player);
  const began = events.find((event) => event.kind === "Audio")?.atMs ?? 0;
  const seconds = audio?.recording.seconds ?? 0;

  useEffect(() => {
    const element = canvas.current;
    if (!element || !audio) return;
    const chosenAt = chosen ? (chosen.atMs - began) / 1000 : null;
    const ticks = events.filter((event) => TOLD.has(event.kind)).map((event) => (event.atMs - began) / 1000);
    const redraw = () => draw(element, audio.recording, ticks, chosenAt, at);
    redraw();
    const resized = new ResizeObserver(redraw);
    resized.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", redraw);
    return () => {
      resized.disconnect();
      scheme.removeEventListener("change", redraw);
    };
  }, [audio, chosen, at, events.length]);

  if (!call.callerAudio && !call.agentAudio) return <p class="nothing small">No audio yet.</p>;
  const seek = (to: number) => {
    if (player.current) player.current.currentTime = to;
    setPlaying({ at: to, playing });
  };
  const toggle = () => (playing ? player.current?.pause() : void player.current?.play());
  return (
    <section class="waveform" aria-label="Audio">
      <div class="lanes">
        <span class="lane">caller</span>
        <span class="lane">agent</span>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`Waves of caller and agent, ${minutes(seconds)} long`}
          onClick={(event) => seek((event.offsetX / event.currentTarget.clientWidth) * seconds)}
        />
      </div>
      <div class="transport">
        <button type="button" disabled={!audio} onClick={toggle}>
          {playing ? "Pause" : "Play"}
        </button>
        <input
          type="range"
          aria-label="Position in the audio"
          min={0}
          max={seconds || 1}
          step={0.05}
          value={at}
          aria-valuetext={`${minutes(at)} of ${minutes(seconds)}`}
          onInput={(event) => seek(Number(event.currentTarget.value))}
        />
        <span class="number">
          {minutes(at)} / {minutes(seconds)}
        </span>
        <Download call={call} />
      </div>
      <audio
        ref={player}
        src={audio?.url}
        onPlay={() => setPlaying({ at, playing: true })}
        onPause={(event) => setPlaying({ at: event.currentTarget.currentTime, playing: false })}
        onTimeUpdate={(event) =>
          setPlaying({ at: event.currentTarget.currentTime, playing: !event.currentTarget.paused })
        }
      />
    </section>
  );
}

function Download({ call }: { call: Call }) {
  const save = async (side?: "caller" | "agent") => {
    const url = URL.createObjectURL(new Blob([await api.audio(call.id, side)], { type: "audio/wav" }));
    const link = Object.assign(document.createElement("a"), {
      href: url,
      download: `${call.id}${side ? `-${side}` : ""}.wav`,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  return (
    <span class="choice" role="group" aria-label="Download as WAV">
      <button type="button" title="Download both sides as WAV" onClick={() => void save()}>
        WAV
      </button>
      {call.callerAudio && (
        <button type="button" title="Download the caller alone" onClick={() => void save("caller")}>
          caller
        </button>
      )}
      {call.agentAudio && (
        <button type="button" title="Download the agent alone" onClick={() => void save("agent")}>
          agent
        </button>
      )}
    </span>
  );
}

interface Audio {
  recording: Recording;
  url: string;
}

/** The audio, asked for again while there is more of it; what is listened to is not exchanged under the listener. */
function useAudio(call: Call, playing: boolean, player: RefObject<HTMLAudioElement | null>): Audio | null {
  const [audio, setAudio] = useState<Audio | null>(null);
  const asked = useRef(0);
  const kept = (call.callerAudio?.keptBytes ?? 0) + (call.agentAudio?.keptBytes ?? 0);
  const live = call.state === "dialled";
  const change = callChanges.value.get(call.id);
  useEffect(() => {
    if (!kept || playing || (live && kept > MOST_LIVE_BYTES)) return;
    const wait = live ? Math.max(0, asked.current + AGAIN_AFTER_MS - Date.now()) : 0;
    const timer = setTimeout(async () => {
      asked.current = Date.now();
      try {
        const file = await api.audio(call.id);
        if (player.current?.paused === false) return;
        const url = URL.createObjectURL(new Blob([file], { type: "audio/wav" }));
        setAudio({ recording: read(file), url });
      } catch {
        // It was forgotten, or the mock is gone: what is there stays.
      }
    }, wait);
    return () => clearTimeout(timer);
  }, [call.id, kept, live, change, playing]);
  useEffect(
    () => () => {
      if (audio) URL.revokeObjectURL(audio.url);
    },
    [audio?.url],
  );
  return audio;
}

function draw(
  canvas: HTMLCanvasElement,
  recording: Recording,
  ticks: number[],
  chosenAt: number | null,
  at: number,
): void {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale];
  if (!width || !recording.seconds) return;
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const colour = (name: string) => getComputedStyle(canvas).getPropertyValue(name).trim();
  const lane = height / 2;
  recording.channels.forEach((samples, channel) => {
    pen.fillStyle = colour(channel ? "--agent" : "--caller");
    const middle = lane * (channel + 0.5);
    peaks(samples, Math.ceil(width / 2)).forEach((peak, column) => {
      const tall = Math.max(scale, peak * (lane - 6 * scale));
      pen.fillRect(column * 2, middle - tall / 2, 1.5, tall);
    });
  });
  const line = (seconds: number, name: string, top: number, bottom: number) => {
    pen.fillStyle = colour(name);
    pen.fillRect((seconds / recording.seconds) * width, top, Math.max(1, scale), bottom - top);
  };
  pen.fillStyle = colour("--line");
  pen.fillRect(0, lane, width, scale);
  for (const tick of ticks) line(tick, "--accent", lane - 5 * scale, lane + 5 * scale);
  if (chosenAt !== null) line(chosenAt, "--accent", 0, height);
  if (at > 0) line(at, "--text", 0, height);
}
