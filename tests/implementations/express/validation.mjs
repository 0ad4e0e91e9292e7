// The request bodies.  Each check returns a list of {field, message}; a message never repeats what was sent, because
// what was sent may be a secret.  Unknown fields are ignored.

const CARRIERS = ['twilio', 'telnyx', 'plivo'];
const CREATE_CONNECTIONS = [...CARRIERS, 'websocket'];
const INLINE_CONNECTIONS = ['webrtc', ...CREATE_CONNECTIONS];
const LOCATIONS = ['QUERY', 'PATH', 'HEADER', 'BODY'].map((name) => `PARAMETER_LOCATION_${name}`);
const TRANSPORTS = ['http', 'client', 'dataConnection'];
const LONGEST_TOOL_TIMEOUT_S = 40;

export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

// A rule takes a value and the name of its field and returns problems.
const rule = (test, message) => (value, field) => (test(value) ? [] : [{ field, message }]);

const string = rule((v) => typeof v === 'string', 'must be a string');
const filled = rule((v) => typeof v === 'string' && v !== '', 'must be a string that is not empty');
const boolean = rule((v) => typeof v === 'boolean', 'must be true or false');
const object = rule(isObject, 'must be an object');
const oneOf = (names) => rule((v) => names.includes(v), `must be one of ${names.join(', ')}`);
const number = (min, max) =>
  rule((v) => typeof v === 'number' && v >= min && v <= max, `must be a number from ${min} to ${max}`);
const integer = (min, max) =>
  rule((v) => Number.isInteger(v) && v >= min && v <= max, `must be an integer from ${min} to ${max}`);

const listOf = (item) => (value, field) =>
  Array.isArray(value)
    ? value.flatMap((entry, i) => item(entry, `${field}[${i}]`))
    : [{ field, message: 'must be an array' }];

const shape = (rules, { required = [], also = () => [] } = {}) => {
  const known = Object.entries(rules);
  return (value, field) => {
    if (!isObject(value)) return [{ field: field || 'body', message: 'must be an object' }];
    const name = (key) => (field ? `${field}.${key}` : key);
    return [
      ...required
        .filter((key) => !Object.hasOwn(value, key))
        .map((key) => ({ field: name(key), message: 'is required' })),
      ...known.flatMap(([key, check]) => (Object.hasOwn(value, key) ? check(value[key], name(key)) : [])),
      ...also(value, field),
    ];
  };
};

const keysSet = (value, keys) => keys.filter((key) => Object.hasOwn(value, key)).length;

const parameter = shape({ name: string, location: oneOf(LOCATIONS), schema: object, required: boolean });
const otherParameter = shape({ name: string, location: oneOf(LOCATIONS) });

const timeout = rule((v) => {
  if (typeof v !== 'string' || !/^\d+(\.\d+)?s$/.test(v)) return false;
  const seconds = Number(v.slice(0, -1));
  return seconds > 0 && seconds <= LONGEST_TOOL_TIMEOUT_S;
}, `must be a duration such as "2.5s", more than 0s and at most ${LONGEST_TOOL_TIMEOUT_S}s`);

const temporaryTool = shape(
  {
    modelToolName: rule(
      (v) => typeof v === 'string' && /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(v),
      'must be a letter and then up to 63 letters, digits or underscores',
    ),
    description: string,
    timeout,
    precomputable: boolean,
    defaultReaction: string,
    dynamicParameters: listOf(parameter),
    staticParameters: listOf(otherParameter),
    automaticParameters: listOf(otherParameter),
    http: shape({ baseUrlPattern: string, httpMethod: string }),
    client: object,
    dataConnection: object,
  },
  {
    required: ['modelToolName'],
    also: (tool, field) =>
      keysSet(tool, TRANSPORTS) > 1 ? [{ field, message: `sets more than one of ${TRANSPORTS.join(', ')}` }] : [],
  },
);

const TOOL_KEYS = ['toolId', 'toolName', 'temporaryTool'];
const selectedTool = shape(
  { toolId: string, toolName: string, temporaryTool },
  {
    also: (tool, field) =>
      keysSet(tool, TOOL_KEYS) === 1 ? [] : [{ field, message: `must set exactly one of ${TOOL_KEYS.join(', ')}` }],
  },
);

const rate = integer(8000, 48000);
const websocketObject = shape(
  {
    inputSampleRate: rate,
    outputSampleRate: rate,
    codec: oneOf(['pcm', 'g711']),
    enableAudioBuffering: boolean,
    twilioStream: boolean,
  },
  { required: ['inputSampleRate', 'outputSampleRate'] },
);

// `websocket` counts only when that connection type is asked for; for the others it is never looked into.
const websocketRule = (body) => {
  if (body.connectionType !== 'websocket') {
    return body.websocket === null ? [{ field: 'websocket', message: 'must be an object' }] : [];
  }
  if (!Object.hasOwn(body, 'websocket')) {
    return [{ field: 'websocket', message: 'is required when connectionType is websocket' }];
  }
  return websocketObject(body.websocket, 'websocket');
};

export const checkCreate = shape(
  { agentId: filled, connectionType: oneOf(CREATE_CONNECTIONS), metadata: object },
  { required: ['agentId'], also: websocketRule },
);

export const checkInline = shape(
  {
    systemPrompt: filled,
    voice: filled,
    language: filled,
    greeting: string, // empty: a way to say nothing
    model: string,
    temperature: number(0, 1),
    firstSpeaker: oneOf(['agent', 'user']),
    interruptible: boolean,
    maxDuration: integer(60, 7200),
    inactivityTimeout: integer(10, 300),
    inactivityAction: oneOf(['hang_up', 'prompt']),
    recordingEnabled: boolean,
    connectionType: oneOf(INLINE_CONNECTIONS),
    selectedTools: listOf(selectedTool),
    metadata: object,
  },
  { required: ['systemPrompt', 'voice', 'language', 'greeting'], also: websocketRule },
);
