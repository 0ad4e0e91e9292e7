import type { AgentSends, ClientSends } from "../../clients/typescript/websocket.js";

/** Audio that waits for a slow network, in bytes: one second of it. Later audio is better than late audio. */
const MOST_WAITING_BYTES = 32_000;

/** What happens in a call. */
export interface CallEvents {
  /** The agent spoke: 16-bit samples. */
  audio(samples: Int16Array<ArrayBuffer>): void;
  message(message: AgentSends): void;
  /** The call is over, by either side; `reason` says why where that is known. */
  end(reason: string): void;
}

/** One call on its socket: binary frames are audio, text frames are JSON messages (asyncapi/websocket.yaml). */
export class Call {
  private reason = "";

  private constructor(
    private readonly socket: WebSocket,
    events: CallEvents,
  ) {
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      // The samples on the wire are little-endian, and so is every machine that browsers run on.
      if (typeof data !== "string") return events.audio(new Int16Array(data));
      const message = JSON.parse(data) as AgentSends;
      if (message.type === "hangup" && typeof message.reason === "string") this.reason = message.reason;
      events.message(message);
    };
    socket.onclose = ({ code, reason }) => {
      events.end(this.reason || reason || (code === 1000 ? "" : `the connection was lost (${code})`));
    };
  }

  /** Dials a `websocketUrl`, which works once; fails if it is not answered. */
  static dial(url: string, events: CallEvents): Promise<Call> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.binaryType = "arraybuffer";
      socket.onopen = () => resolve(new Call(socket, events));
      socket.onclose = () => reject(new Error("The agent could not be reached."));
    });
  }

  /** Sends what the microphone heard. */
  speak(frame: Int16Array<ArrayBuffer>): void {
    if (this.socket.readyState === WebSocket.OPEN && this.socket.bufferedAmount < MOST_WAITING_BYTES) {
      this.socket.send(frame);
    }
  }

  /** Says something without speaking. */
  send(message: ClientSends): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Ends the call. */
  hangUp(): void {
    this.socket.close(1000);
  }
}
