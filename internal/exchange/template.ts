import { placeholdersIn } from '../config/index.ts';

/** Gives the value of a placeholder for the object that the template is rendered from. */
export type Placeholder<S> = (source: S) => string;

/** The placeholders that a template may use. */
export interface Placeholders<S> {
  /** The placeholder of a name, given without braces; undefined if there is none. */
  get(name: string): Placeholder<S> | undefined;
}

/** Text with placeholders, compiled once, at load. */
export interface Template<S> {
  /** The whole text if it holds no placeholder, so that no request has to render it. Else null. */
  readonly constant: string | null;
  /** The text with every placeholder replaced. */
  render(source: S): string;
}

/** How to convert text for the place that it is meant for. */
export interface TemplateContext {
  /** Converts the text between the placeholders, once, at load. */
  readonly literal?: (text: string) => string;
  /** Converts every value at each rendering, for example escapes it. */
  readonly value?: (text: string) => string;
}

/**
 * Compiles a text. An unknown name stays in the text, braces included, because bodies hold many braces that mean something
 * else. A value is inserted once: placeholders in it are not replaced.
 */
export function compileTemplate<S>(
  text: string,
  placeholders: Placeholders<S>,
  context: TemplateContext = {},
): Template<S> {
  const { literal = unchanged, value = unchanged } = context;
  const texts: string[] = [];
  const values: Placeholder<S>[] = [];
  let start = 0;
  for (const found of placeholdersIn(text)) {
    const placeholder = placeholders.get(found.name);
    if (placeholder === undefined) continue;
    texts.push(literal(text.slice(start, found.start)));
    values.push(placeholder);
    start = found.end;
  }
  const rest = literal(text.slice(start));
  return values.length === 0 ? new ConstantTemplate(rest) : new CompiledTemplate(texts, values, rest, value);
}

function unchanged(text: string): string {
  return text;
}

class ConstantTemplate implements Template<unknown> {
  readonly constant: string;

  constructor(text: string) {
    this.constant = text;
  }

  render(): string {
    return this.constant;
  }
}

/** texts[0] values[0] texts[1] values[1] … rest */
class CompiledTemplate<S> implements Template<S> {
  readonly constant = null;
  readonly #texts: readonly string[];
  readonly #values: readonly Placeholder<S>[];
  readonly #rest: string;
  readonly #convert: (text: string) => string;

  constructor(
    texts: readonly string[],
    values: readonly Placeholder<S>[],
    rest: string,
    convert: (text: string) => string,
  ) {
    this.#texts = texts;
    this.#values = values;
    this.#rest = rest;
    this.#convert = convert;
  }

  render(source: S): string {
    let out = '';
    for (let i = 0; i < this.#values.length; i++) {
      out += this.#texts[i] + this.#convert(this.#values[i](source));
    }
    return out + this.#rest;
  }
}
