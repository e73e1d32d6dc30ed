import { placeholdersIn } from '../config/index.ts';

/** Gives the value that stands for a placeholder, looked up in whatever the template is rendered from. */
export type Placeholder<S> = (source: S) => string;

/** The placeholders that a template may use. */
export interface Placeholders<S> {
  /** The placeholder of a name, which is without the braces; undefined when there is none. */
  get(name: string): Placeholder<S> | undefined;
}

/** Text with placeholders, compiled once, at load. */
export interface Template<S> {
  /** The whole text when it holds no placeholder: nothing is to be done per request. Else null. */
  readonly constant: string | null;
  /** The text with every placeholder replaced. */
  render(source: S): string;
}

/** How text gets into the place that it is meant for. */
export interface TemplateContext {
  /** What is done to the text between the placeholders, once. */
  readonly literal?: (text: string) => string;
  /** What is done to every value, such as escaping. */
  readonly value?: (text: string) => string;
}

/**
 * Compiles a text. A name that is none of the placeholders is left as it stands, braces included: bodies are full of
 * braces that mean something else. Values are put in once and never looked at for placeholders again.
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
