import { type ChildProcess, spawn } from 'node:child_process';
import { eventually } from './wait.ts';

/** Node has no sockets for datagrams between processes; perl is part of every Debian. */
const RECEIVER = `use Socket; $| = 1; my $name = $ARGV[0]; $name =~ s/^@/\\0/;
socket(S, AF_UNIX, SOCK_DGRAM, 0) or die $!; bind(S, pack_sockaddr_un($name)) or die $!; print "bound\\n";
while (defined recv(S, my $text, 65536, 0)) { print join(' ', split(/\\n/, $text)), "\\n"; }`;

/** A service manager's end of NOTIFY_SOCKET. */
export class NotifySocket {
  readonly address: string;
  private readonly process: ChildProcess;
  private output = '';

  private constructor(address: string) {
    this.address = address;
    this.process = spawn('perl', ['-e', RECEIVER, address], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.process.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  /** @param address a path, or a name of the abstract namespace with an @ before it */
  static async bind(address: string): Promise<NotifySocket> {
    const socket = new NotifySocket(address);
    await eventually('the receiver', () => socket.output.startsWith('bound\n'));
    return socket;
  }

  /** What was told, a line for each datagram, with spaces between its assignments. */
  get messages(): string[] {
    return this.output
      .split('\n')
      .slice(1, -1)
      .filter((line) => line !== 'BARRIER=1');
  }

  /** Waits for a message, one that has come already included. */
  received(matches: RegExp, from = 0): Promise<string> {
    return eventually(`the message ${matches}`, () => this.messages.slice(from).find((line) => matches.test(line)));
  }

  async close(): Promise<void> {
    this.process.kill('SIGKILL');
    if (this.process.exitCode === null && this.process.signalCode === null) {
      await new Promise((resolve) => this.process.once('exit', resolve));
    }
  }
}
