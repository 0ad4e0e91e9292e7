/** What the agent has said and the caller is yet to hear. Opens nothing and reads no clock. */
export class Playback {
  /** Starting takes this much, in samples: 60 ms at 16,000 a second, so that a late frame leaves no gap. */
  static readonly START_AFTER = 960;

  #pieces: Int16Array[] = [];
  #used = 0;
  #queued = 0;
  #waited = 0;
  #playing = false;

  /** Takes samples that came from the agent. */
  push(samples: Int16Array): void {
    this.#pieces.push(samples);
    this.#queued += samples.length;
  }

  /** Forgets what has not been played: the agent was interrupted. */
  clear(): void {
    this.#pieces = [];
    this.#used = this.#queued = 0;
  }

  /** Fills a block of the sound card's with what comes next, between -1 and 1; with silence where there is nothing. */
  fill(block: Float32Array): void {
    if (!this.#starts(block.length)) return void block.fill(0);
    for (let index = 0; index < block.length; index += 1) block[index] = this.#next() / 32_768;
    if (!this.#queued) this.#playing = false;
  }

  /** Whether to play: what is too short to be waited for more of is played after as long a wait. */
  #starts(length: number): boolean {
    if (this.#playing) return true;
    this.#waited = this.#queued ? this.#waited + length : 0;
    this.#playing = Math.max(this.#queued, this.#waited) >= Playback.START_AFTER;
    if (this.#playing) this.#waited = 0;
    return this.#playing;
  }

  #next(): number {
    const piece = this.#pieces[0];
    if (!piece) return 0;
    const sample = piece[this.#used]!;
    this.#used += 1;
    this.#queued -= 1;
    if (this.#used === piece.length) {
      this.#pieces.shift();
      this.#used = 0;
    }
    return sample;
  }
}
