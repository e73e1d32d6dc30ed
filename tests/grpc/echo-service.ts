import {
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';

type Bytes = Buffer;

const method = (path: string, requestStream: boolean, responseStream: boolean): ServiceDefinition[string] => ({
  path: `/test.Echo/${path}`,
  requestStream,
  responseStream,
  requestSerialize: (value: Bytes) => value,
  requestDeserialize: (bytes: Bytes) => bytes,
  responseSerialize: (value: Bytes) => value,
  responseDeserialize: (bytes: Bytes) => bytes,
});

/** A service without a schema: messages are bytes. */
const SERVICE = {
  unary: method('Unary', false, false),
  serverStream: method('ServerStream', false, true),
  clientStream: method('ClientStream', true, false),
  bidi: method('Bidi', true, true),
  hang: method('Hang', false, false),
  fail: method('Fail', false, false),
} as const;

/** A method that the server does not have. */
const MISSING = method('Missing', false, false);

/** Enough for the large messages of the tests. */
const OPTIONS: ChannelOptions = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };

/** A grpc-js server that sends back what it gets. */
export class EchoServer {
  port = 0;
  /** Calls of `hang` that are under way. */
  hanging = 0;
  /** The deadline of the last one, as milliseconds of the clock; null without one. */
  deadline: number | null = null;
  /** What was heard of the calls of `bidi`, in order. */
  readonly heard: ('began' | 'ended' | 'cancelled')[] = [];
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  static async start(tls: { readonly cert: string; readonly key: string } | null = null): Promise<EchoServer> {
    const server = new Server(OPTIONS);
    const echo = new EchoServer(server);
    server.addService(SERVICE, handlers(echo));
    const key = tls === null ? null : { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) };
    const own = key === null ? ServerCredentials.createInsecure() : ServerCredentials.createSsl(null, [key]);
    echo.port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', own, (error, bound) => (error === null ? resolve(bound) : reject(error)));
    });
    return echo;
  }

  stop(): void {
    this.server.forceShutdown();
  }
}

function handlers(echo: EchoServer): Record<keyof typeof SERVICE, never> {
  const unary: handleUnaryCall<Bytes, Bytes> = (call, done) => {
    const initial = new Metadata();
    initial.set('x-initial', call.metadata.get('x-asked')[0] ?? 'none');
    // Several values of one name are several lines, or one list.
    for (const bytes of call.metadata.get('x-bytes-bin')) initial.add('x-bytes-bin', bytes);
    call.sendMetadata(initial);
    const trailing = new Metadata();
    trailing.set('x-trailing', 'yes');
    trailing.set('x-trailing-bin', Buffer.from([255, 0]));
    done(null, call.request, trailing);
  };
  const serverStream: handleServerStreamingCall<Bytes, Bytes> = (call) => {
    for (let i = 0; i < 10; i++) call.write(Buffer.concat([call.request, Buffer.from(String(i))]));
    call.end();
  };
  const clientStream: handleClientStreamingCall<Bytes, Bytes> = (call, done) => {
    const parts: Bytes[] = [];
    call.on('data', (part: Bytes) => parts.push(part));
    call.on('end', () => done(null, Buffer.concat(parts)));
  };
  const bidi: handleBidiStreamingCall<Bytes, Bytes> = (call) => {
    echo.heard.push('began');
    call.on('data', (part: Bytes) => {
      if (!call.write(part)) call.pause();
    });
    call.on('drain', () => call.resume());
    call.on('cancelled', () => echo.heard.push('cancelled'));
    call.on('end', () => {
      echo.heard.push('ended');
      call.end();
    });
  };
  const hang: handleUnaryCall<Bytes, Bytes> = (call) => {
    echo.hanging++;
    const deadline = Number(call.getDeadline());
    echo.deadline = Number.isFinite(deadline) ? deadline : null;
    call.on('cancelled', () => echo.hanging--);
  };
  const fail: handleUnaryCall<Bytes, Bytes> = (_, done) => {
    const metadata = new Metadata();
    metadata.set('x-why-bin', Buffer.from([7, 0, 7]));
    done({ code: status.FAILED_PRECONDITION, details: 'not ready: 100 %', metadata });
  };
  return { unary, serverStream, clientStream, bidi, hang, fail } as never;
}

/** How a call ended. */
export interface Ended {
  readonly error: ServiceError | null;
  readonly message: string;
  readonly initial: Metadata;
  readonly trailing: Metadata;
}

/** A grpc-js client of the echo service. */
export class EchoClient {
  private readonly client: Client;

  /** @param ca PEM of the server's certificate, which names `localhost`; null for no TLS */
  constructor(port: number, ca: string | null = null) {
    const own = ca === null ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca));
    const target = { 'grpc.ssl_target_name_override': 'localhost', 'grpc.default_authority': 'localhost' };
    this.client = new Client(`127.0.0.1:${port}`, own, { ...OPTIONS, ...(ca === null ? {} : target) });
  }

  /** Calls a method that takes one message and answers with one. */
  unary(
    name: 'unary' | 'hang' | 'fail' | 'missing',
    message: Bytes,
    options: { metadata?: Metadata; deadline?: Date; cancelled?: AbortSignal } = {},
  ): Promise<Ended> {
    return new Promise((resolve) => {
      let initial = new Metadata();
      let result: Omit<Ended, 'initial' | 'trailing'> = { error: null, message: '' };
      const { path, requestSerialize, responseDeserialize } = name === 'missing' ? MISSING : SERVICE[name];
      const call = this.client.makeUnaryRequest<Bytes, Bytes>(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        options.metadata ?? new Metadata(),
        options.deadline === undefined ? {} : { deadline: options.deadline },
        (error, value) => (result = { error, message: value?.toString('latin1') ?? '' }),
      );
      options.cancelled?.addEventListener('abort', () => call.cancel());
      call.on('metadata', (metadata) => (initial = metadata));
      call.on('status', ({ metadata }) => setImmediate(() => resolve({ ...result, initial, trailing: metadata })));
    });
  }

  serverStream(message: Bytes): ClientReadableStream<Bytes> {
    const { path, requestSerialize, responseDeserialize } = SERVICE.serverStream;
    return this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, message);
  }

  clientStream(done: (error: ServiceError | null, value?: Bytes) => void): ClientWritableStream<Bytes> {
    const { path, requestSerialize, responseDeserialize } = SERVICE.clientStream;
    return this.client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, done);
  }

  bidi(): ClientDuplexStream<Bytes, Bytes> {
    const { path, requestSerialize, responseDeserialize } = SERVICE.bidi;
    return this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }

  close(): void {
    this.client.close();
  }
}
