// Plays a website that talks to an inline call over its own socket, and prints what happened as one line of JSON.
//
// Usage: node website.mjs BASE_URL API_KEY
// Anything unforeseen ends it with exit code 1 and one line on stderr; so does taking longer than PATIENCE_MS.
import process from 'node:process';
import WebSocket from 'ws';

const [baseUrl, apiKey] = process.argv.slice(2);
const PATIENCE_MS = 30_000;
const RATE_HZ = 16_000;
const FRAME_MS = 20;

const giveUp = (reason) => {
  console.error(`website: ${reason}`);
  process.exit(1);
};
const expect = (condition, reason) => condition || giveUp(reason);
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

setTimeout(() => giveUp(`not done within ${PATIENCE_MS} ms`), PATIENCE_MS).unref();
process.on('unhandledRejection', (reason) => giveUp(reason?.stack ?? reason));

/** Creates the call as the vendor's website does. */
async function createCall() {
  const response = await fetch(`${baseUrl}/api/v1/calls/inline`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-API-Key': apiKey },
    body: JSON.stringify({
      systemPrompt: 'You help visitors of a shop.',
      voice: 'Mark',
      language: 'en',
      greeting: 'Hello, what shall it be?',
      temperature: 0.3,
      maxDuration: 300,
      connectionType: 'websocket',
      websocket: { inputSampleRate: RATE_HZ, outputSampleRate: RATE_HZ, codec: 'pcm' },
      selectedTools: [
        {
          temporaryTool: {
            modelToolName: 'showProduct',
            description: 'Shows a product to the visitor.',
            timeout: '10s',
            dynamicParameters: [
              {
                name: 'productId',
                location: 'PARAMETER_LOCATION_BODY',
                schema: { type: 'string', description: 'Which one', example: 'shoe-7' },
                required: true,
              },
            ],
            client: {},
          },
        },
      ],
      metadata: { page: '/shoes' },
    }),
  });
  expect(response.status === 201, `expected 201, got ${response.status}: ${await response.clone().text()}`);
  return response.json();
}

/** Collects what the socket brings; `until` waits for what has come, or will. */
class Line {
  constructor(url) {
    this.messages = [];
    this.audio = [];
    this.waiting = [];
    this.socket = new WebSocket(url);
    this.socket.on('error', (error) => giveUp(`socket: ${error.message}`));
    this.socket.on('message', (data, isBinary) => this.hear(data, isBinary));
    this.opened = new Promise((resolve) => this.socket.once('open', resolve));
    this.closed = new Promise((resolve) => this.socket.once('close', (code) => resolve(code)));
  }

  hear(data, isBinary) {
    if (isBinary) {
      this.audio.push(data);
    } else {
      const message = JSON.parse(data);
      expect(typeof message.type === 'string', `a message without a type: ${data}`);
      expect(message.type !== 'error', `the agent objects: ${data}`);
      this.messages.push(message);
    }
    this.waiting = this.waiting.filter((look) => !look());
  }

  until(condition) {
    return new Promise((resolve) => {
      const look = () => {
        const found = condition();
        if (found) resolve(found);
        return Boolean(found);
      };
      if (!look()) this.waiting.push(look);
    });
  }

  untilMessage(condition) {
    return this.until(() => this.messages.find(condition));
  }

  say(message) {
    this.socket.send(JSON.stringify(message));
  }

  /** Speaks for a while, at the pace of speech: a tone that rises, in frames of 20 ms. */
  async speak(ms) {
    const samples = (RATE_HZ * FRAME_MS) / 1000;
    const begin = performance.now();
    for (let frame = 0; frame * FRAME_MS < ms; frame += 1) {
      const pcm = Buffer.alloc(samples * 2);
      for (let index = 0; index < samples; index += 1) {
        const at = (frame * samples + index) / RATE_HZ;
        pcm.writeInt16LE(Math.round(8000 * Math.sin(2 * Math.PI * (200 + 150 * at) * at)), index * 2);
      }
      this.socket.send(pcm);
      await wait(Math.max(0, begin + (frame + 1) * FRAME_MS - performance.now()));
    }
  }

  /** Takes the audio that came since the last call: its length in ms, and how loud it gets. */
  takeAudio() {
    const audio = Buffer.concat(this.audio.splice(0));
    expect(audio.length % 2 === 0, 'half a sample came');
    let peak = 0;
    for (let at = 0; at < audio.length; at += 2) peak = Math.max(peak, Math.abs(audio.readInt16LE(at)));
    return { ms: (audio.length / 2 / RATE_HZ) * 1000, peak };
  }
}

/** Joins the pieces of each ordinal as a client would show them, and compares with the final text. */
function transcriptOf(messages) {
  const lines = new Map();
  for (const { type, ordinal, role, text, delta, final, medium } of messages) {
    if (type !== 'transcript') continue;
    const line = lines.get(ordinal) ?? { ordinal, role, medium, pieces: 0, joined: '', final: null };
    expect(line.final === null, `a piece after the final one of ordinal ${ordinal}`);
    expect((text === undefined) !== (delta === undefined), `neither or both of text and delta at ordinal ${ordinal}`);
    line.pieces += 1;
    if (final) line.final = text ?? line.joined + delta;
    else line.joined = text ?? line.joined + delta;
    lines.set(ordinal, line);
  }
  return [...lines.values()];
}

/** How the server answers a dial that it refuses: its status. */
function refusal(url) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.on('unexpected-response', (request, response) => {
      resolve(response.statusCode);
      request.destroy();
    });
    socket.on('open', () => giveUp('a second dial was let in'));
    socket.on('error', () => {});
  });
}

const call = await createCall();
const line = new Line(call.websocketUrl);
await line.opened;

const saidBy = (role, count) => () =>
  line.messages.filter((message) => message.type === 'transcript' && message.role === role && message.final).length >= count;

await line.until(saidBy('agent', 1));
const greeting = line.takeAudio();

await line.speak(1000);
const invocation = await line.untilMessage((message) => message.type === 'client_tool_invocation');
const untilAnswered = line.takeAudio();
await wait(300);
const whileWaiting = line.takeAudio();
line.say({ type: 'client_tool_result', invocationId: invocation.invocationId, result: 'Here it is.' });
await line.until(saidBy('agent', 2));
const answer = line.takeAudio();

line.say({ type: 'user_text_message', text: 'Please do showProduct again' });
const second = await line.untilMessage(
  (message) => message.type === 'client_tool_invocation' && message.invocationId !== invocation.invocationId,
);
line.say({ type: 'client_tool_result', invocationId: second.invocationId, error: 'None left' });
await line.until(saidBy('agent', 3));
const apology = line.takeAudio();

line.socket.close(1000);
const closeCode = await line.closed;

console.log(
  JSON.stringify({
    call: { connectionType: call.connectionType, status: call.status },
    audio: { greeting, untilAnswered, whileWaiting, answer, apology },
    states: line.messages.filter((message) => message.type === 'state').map((message) => message.state),
    transcript: transcriptOf(line.messages),
    invocations: [invocation, second],
    types: [...new Set(line.messages.map((message) => message.type))].sort(),
    closeCode,
    secondDial: await refusal(call.websocketUrl),
  }),
);
process.exit(0);
