// What the agent does during one call.  It knows nothing of sockets: a "line" carries what it says.
//
// A line has: rateHz and frameMs of the audio that it takes; inputRateHz; invokesTools; sendAudio(samples);
// endUtterance(name), true if played(name) will follow; withdraw(), which drops what has not been played;
// notify(message), for lines that carry JSON; hangUp(reason).
import { randomUUID } from 'node:crypto';
import { speakingTimeMs, speechDetector, voiceOf } from './audio.mjs';

const TURN_ENDS_AFTER_MS = 700;
const PLAYED_GRACE_MS = 2000; // a carrier that never says what it has played must not hold up the call
const TOOL_PATIENCE_MS = 40_000;
const MOST_QUEUED = 8;

const ANSWER = 'I heard you. Please go on.';
const TOOL_ANSWER = 'Here is what I found out.';
const TOOL_FAILED = 'Sorry, that did not work.';
const STILL_THERE = 'Hello, are you still there?';
const GOODBYE = 'I cannot hear you. Goodbye.';

export class Conversation {
  #settings;
  #line;
  #timeScale;
  #hearsSpeech;

  #started = false;
  #ended = false;
  #hasSpoken = false;
  #callerSpeaks = false;
  #current = null; // the utterance that is being said or played
  #queue = [];
  #ordinal = 0;
  #toolsLeft;
  #pendingTools = new Map(); // invocation id -> timer

  #sayTimer;
  #turnTimer;
  #silenceTimer;
  #callTimer;

  /** To be made at the moment of the dial: the longest duration counts from there, even if begin() never comes. */
  constructor({ settings, line, timeScale }) {
    this.#settings = settings;
    this.#line = line;
    this.#timeScale = timeScale;
    this.#hearsSpeech = speechDetector(line.inputRateHz);
    this.#toolsLeft = line.invokesTools
      ? settings.selectedTools.map((tool) => tool.temporaryTool).filter((tool) => tool?.client)
      : [];
    this.#callTimer = this.#after(settings.maxDuration, () => this.hangUp('max_duration'));
  }

  begin() {
    if (this.#started || this.#ended) return;
    this.#started = true;
    const { firstSpeaker, greeting } = this.#settings;
    if (firstSpeaker === 'agent' && greeting) this.#say(greeting, { atOnce: true });
    else this.#line.notify({ type: 'state', state: 'listening' });
    this.#watchSilence();
  }

  hear(samples) {
    if (!this.#started || this.#ended || !this.#hearsSpeech(samples)) return;
    this.#callerSpeaks = true;
    this.#callerActed();
    clearTimeout(this.#turnTimer);
    this.#turnTimer = setTimeout(() => this.#callerTurnEnds(), TURN_ENDS_AFTER_MS);
  }

  read(text) {
    if (!this.#started || this.#ended) return;
    this.#callerActed();
    this.#transcribe({ role: 'user', text, medium: 'text' });
    this.#respond();
  }

  /** A sign of life that is no speech, such as a digit. */
  notice() {
    this.#watchSilence();
  }

  takeToolResult(invocationId, failed) {
    if (this.#ended || !this.#pendingTools.has(invocationId)) return;
    clearTimeout(this.#pendingTools.get(invocationId));
    this.#pendingTools.delete(invocationId);
    this.#say(failed ? TOOL_FAILED : TOOL_ANSWER);
    this.#watchSilence();
  }

  played(name) {
    if (!this.#current || this.#current.name !== name) return;
    this.#current.played = true;
    if (this.#current.said) this.#finish();
  }

  hangUp(reason) {
    if (this.#ended) return;
    this.end();
    this.#line.hangUp(reason);
  }

  /** Frees everything; to be called when the socket is gone, however it went. */
  end() {
    this.#ended = true;
    for (const timer of [this.#sayTimer, this.#turnTimer, this.#silenceTimer, this.#callTimer]) clearTimeout(timer);
    for (const timer of this.#pendingTools.values()) clearTimeout(timer);
    this.#pendingTools.clear();
    this.#queue.length = 0;
    this.#current = null;
  }

  // The caller

  #callerActed() {
    clearTimeout(this.#silenceTimer);
    if (!this.#current) return;
    this.#current.thenHangUp = false;
    if (this.#current.interruptible) this.#interrupt();
  }

  #callerTurnEnds() {
    this.#callerSpeaks = false;
    // There is no speech recognition here, only an ear for loudness.
    this.#transcribe({ role: 'user', text: '(speech)', medium: 'voice' });
    this.#respond();
  }

  #respond() {
    const tools = this.#toolsLeft.splice(0);
    for (const tool of tools) this.#invoke(tool);
    if (!tools.length) this.#say(ANSWER);
    this.#sayNext(); // what has waited for the end of the turn
    this.#watchSilence();
  }

  #invoke(tool) {
    const invocationId = randomUUID();
    const giveUp = () => this.takeToolResult(invocationId, true);
    this.#pendingTools.set(invocationId, setTimeout(giveUp, TOOL_PATIENCE_MS));
    this.#line.notify({ type: 'client_tool_invocation', invocationId, toolName: tool.modelToolName, parameters: {} });
  }

  #transcribe({ role, text, medium }) {
    this.#line.notify({ type: 'transcript', role, ordinal: this.#ordinal++, text, final: true, medium });
  }

  // The agent

  #say(text, { atOnce = false, thenHangUp = false } = {}) {
    if (this.#queue.length < MOST_QUEUED) this.#queue.push({ text, atOnce, thenHangUp });
    this.#sayNext();
  }

  #sayNext() {
    if (this.#ended || this.#current || !this.#queue.length) return;
    if (this.#callerSpeaks && !this.#queue[0].atOnce) return; // wait for the end of the turn
    const { text, thenHangUp } = this.#queue.shift();
    const halfway = text.indexOf(' ', text.length / 2);
    this.#current = {
      text,
      thenHangUp,
      firstPiece: halfway < 0 ? text : text.slice(0, halfway),
      name: `utterance-${this.#ordinal}`,
      ordinal: this.#ordinal++,
      // The setting is about the first message only; the caller may always cut the later ones.
      interruptible: this.#hasSpoken || this.#settings.interruptible,
      voice: voiceOf(text, this.#line.rateHz),
      frames: Math.ceil(speakingTimeMs(text) / this.#line.frameMs),
      framesSent: 0,
      startedAt: performance.now(),
      said: false,
      played: false,
    };
    this.#hasSpoken = true;
    clearTimeout(this.#silenceTimer);
    this.#line.notify({ type: 'state', state: 'speaking' });
    this.#notifyPiece(this.#current, this.#current.firstPiece, false);
    this.#sendDueFrames();
  }

  /** Sends at the pace of speech, against the clock: a late timer is made up for and never adds up. */
  #sendDueFrames() {
    const utterance = this.#current;
    const { rateHz, frameMs } = this.#line;
    const sampleAt = (frame) => Math.floor((frame * frameMs * rateHz) / 1000);
    const dueIn = () => utterance.startedAt + utterance.framesSent * frameMs - performance.now();
    while (utterance.framesSent < utterance.frames && dueIn() <= 0) {
      const from = sampleAt(utterance.framesSent++);
      this.#line.sendAudio(utterance.voice(from, sampleAt(utterance.framesSent)));
      if (this.#current !== utterance) return; // the line gave up
    }
    if (utterance.framesSent < utterance.frames) {
      this.#sayTimer = setTimeout(() => this.#sendDueFrames(), dueIn());
      return;
    }
    const tellsWhenPlayed = this.#line.endUtterance(utterance.name);
    this.#sayTimer = setTimeout(() => {
      utterance.said = true;
      if (utterance.played || !tellsWhenPlayed) this.#finish();
      else this.#sayTimer = setTimeout(() => this.#finish(), PLAYED_GRACE_MS);
    }, dueIn());
  }

  #finish() {
    const utterance = this.#leaveUtterance();
    this.#notifyPiece(utterance, utterance.text, true);
    this.#line.notify({ type: 'state', state: 'listening' });
    if (utterance.thenHangUp) {
      this.hangUp('inactivity');
      return;
    }
    this.#sayNext();
    this.#watchSilence();
  }

  #interrupt() {
    this.#line.withdraw();
    this.#line.notify({ type: 'state', state: 'listening' });
    const utterance = this.#leaveUtterance();
    this.#notifyPiece(utterance, utterance.firstPiece, true);
  }

  #notifyPiece({ ordinal }, text, final) {
    this.#line.notify({ type: 'transcript', role: 'agent', ordinal, text, final, medium: 'voice' });
  }

  #leaveUtterance() {
    const utterance = this.#current;
    clearTimeout(this.#sayTimer);
    this.#current = null;
    return utterance;
  }

  // Time

  /** Counts the silence from now, if there is silence. */
  #watchSilence() {
    clearTimeout(this.#silenceTimer);
    const { inactivityTimeout, inactivityAction } = this.#settings;
    const busy = this.#current || this.#queue.length || this.#callerSpeaks || this.#pendingTools.size;
    if (!inactivityTimeout || !this.#started || this.#ended || busy) return;
    const thenHangUp = inactivityAction === 'hang_up';
    this.#silenceTimer = this.#after(inactivityTimeout, () =>
      this.#say(thenHangUp ? GOODBYE : STILL_THERE, { thenHangUp }),
    );
  }

  #after(seconds, act) {
    return setTimeout(act, (seconds * 1000) / this.#timeScale);
  }
}
