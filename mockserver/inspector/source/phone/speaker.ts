// Plays what the agent says, in its order, and knows when each part has been heard.

const AHEAD_S = 0.08;

interface Mark {
  done: () => void;
  timer: ReturnType<typeof setTimeout>;
}

export class Speaker {
  private readonly context: AudioContext;
  private readonly out: GainNode;
  private readonly playing = new Set<AudioBufferSourceNode>();
  private readonly marks = new Set<Mark>();
  private until = 0;

  constructor(private readonly rateHz: number) {
    this.context = new AudioContext({ sampleRate: rateHz });
    this.out = new GainNode(this.context);
    this.out.connect(this.context.destination);
    void this.context.resume();
  }

  play(samples: Float32Array<ArrayBuffer>): void {
    if (!samples.length) return;
    const piece = this.context.createBuffer(1, samples.length, this.rateHz);
    piece.copyToChannel(samples, 0);
    const source = this.context.createBufferSource();
    source.buffer = piece;
    source.connect(this.out);
    source.onended = () => this.playing.delete(source);
    this.until = Math.max(this.until, this.context.currentTime + (this.quiet ? AHEAD_S : 0));
    source.start(this.until);
    this.until += piece.duration;
    this.playing.add(source);
  }

  /** Whether all was heard. */
  get quiet(): boolean {
    return this.until <= this.context.currentTime;
  }

  /** Call `done` when what came so far has been heard. */
  mark(done: () => void): void {
    const wait = Math.max(0, this.until - this.context.currentTime) * 1000;
    const mark: Mark = {
      done,
      timer: setTimeout(() => {
        this.marks.delete(mark);
        done();
      }, wait),
    };
    this.marks.add(mark);
  }

  /** Throw away what was not heard yet; its marks are done, or forgotten. */
  clear(marksReturn: boolean): void {
    for (const source of this.playing) source.stop();
    this.playing.clear();
    this.until = 0;
    const waiting = [...this.marks];
    this.marks.clear();
    for (const { timer, done } of waiting) {
      clearTimeout(timer);
      if (marksReturn) done();
    }
  }

  close(): void {
    this.clear(false);
    void this.context.close();
  }
}
