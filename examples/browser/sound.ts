/** Samples a second, both ways: what server.ts creates calls with. The browser converts from and to its devices. */
const RATE_HZ = 16_000;

/** The microphone and the loudspeaker, while a call lasts. */
export class Sound {
  /** Is given each 20 ms from the microphone, 16-bit samples. */
  onFrame: (frame: Int16Array<ArrayBuffer>) => void = () => {};

  private constructor(
    private readonly context: AudioContext,
    private readonly stream: MediaStream,
    private readonly speaker: AudioWorkletNode,
    microphone: AudioWorkletNode,
  ) {
    microphone.port.onmessage = ({ data }: MessageEvent<Int16Array<ArrayBuffer>>) => this.onFrame(data);
  }

  /** Asks for the microphone. To be called when the user presses a button, or the browser plays nothing. */
  static async open(): Promise<Sound> {
    const context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
    let stream: MediaStream | undefined;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: true, autoGainControl: true, noiseSuppression: true },
      });
      await context.audioWorklet.addModule("/worklets.js");
      const microphone = new AudioWorkletNode(context, "microphone", { numberOfOutputs: 0 });
      const speaker = new AudioWorkletNode(context, "speaker", { numberOfInputs: 0 });
      context.createMediaStreamSource(stream).connect(microphone);
      speaker.connect(context.destination);
      await context.resume();
      return new Sound(context, stream, speaker, microphone);
    } catch (error) {
      stream?.getTracks().forEach((track) => track.stop());
      await context.close();
      throw error;
    }
  }

  /** Plays samples behind those that are not played yet. */
  play(samples: Int16Array<ArrayBuffer>): void {
    this.speaker.port.postMessage(samples, [samples.buffer]);
  }

  /** Drops what has not been played. */
  clear(): void {
    this.speaker.port.postMessage(null);
  }

  /** Has the microphone hear nothing, or hear again. */
  mute(muted: boolean): void {
    this.stream.getTracks().forEach((track) => (track.enabled = !muted));
  }

  /** Gives the microphone back and falls silent. */
  close(): void {
    this.stream.getTracks().forEach((track) => track.stop());
    void this.context.close();
  }
}
