import { InvalidValue } from '../../config/index.ts';
import { longestMatch } from './match-length.ts';
import { compilePattern } from './regex-engine.ts';
import { type Literal, LiteralReplacer, lowerCase } from './literal-replacer.ts';
import { PatternReplacer, type PatternRule } from './pattern-replacer.ts';
import { parseReplacement } from './replacement.ts';
import type { Replacer } from './replacer.ts';

/** A rule of the config. */
export interface Rule {
  /** `text` is compared byte by byte, `pattern` is a regular expression. */
  readonly kind: 'text' | 'pattern';
  readonly find: string;
  readonly replacement: string;
  /** True replaces every occurrence, false only the first. */
  readonly global: boolean;
  readonly ignoreCase: boolean;
}

/** Characters of a rule at most. Real rules are short, and each response pays for a long one. */
const MAX_RULE_LENGTH = 16_384;

const RULE = /^\s*(\w+)\s+'((?:[^'\\]|\\[^])*)'\s+'((?:[^'\\]|\\[^])*)'(?:\s+(\w+))?\s*$/;

/**
 * Reads a rule: `sub_filter 'text' 'new' gi` or `subs_filter 'pattern' 'new' gi`; the flags are optional. `\'` stands for a
 * quote inside the quotes; any other backslash stands for itself.
 * @throws InvalidValue
 */
export function parseRule(text: string): Rule {
  if (text.length > MAX_RULE_LENGTH) throw new InvalidValue(`expected a rule of at most ${MAX_RULE_LENGTH} characters`);
  const match = RULE.exec(text);
  if (match === null || (match[1] !== 'sub_filter' && match[1] !== 'subs_filter')) {
    const forms = `"sub_filter 'text' 'new' g" or "subs_filter 'regular expression' 'new' g"`;
    throw new InvalidValue(`expected a rule such as ${forms}, found ${JSON.stringify(text)}`);
  }
  const flags = match[4] ?? '';
  if (!/^(?:g|i|gi|ig|)$/.test(flags)) {
    throw new InvalidValue(
      `expected the flags g (every occurrence) and i (in any case), found ${JSON.stringify(flags)}`,
    );
  }
  const rule: Rule = {
    kind: match[1] === 'sub_filter' ? 'text' : 'pattern',
    find: unquoted(match[2]),
    replacement: unquoted(match[3]),
    global: flags.includes('g'),
    ignoreCase: flags.includes('i'),
  };
  if (rule.find === '') throw new InvalidValue(`expected a text to look for, found '' in ${JSON.stringify(text)}`);
  if (rule.kind === 'pattern') compileRule(rule);
  return rule;
}

/**
 * Compiles a rule. @returns a function that makes the replacer for each body
 * @throws InvalidValue
 */
export function compileRule(rule: Rule): () => Replacer {
  if (rule.kind === 'pattern') {
    const pattern = compiledPattern(rule);
    return () => new PatternReplacer(pattern);
  }
  const find = Buffer.from(rule.find);
  const literal: Literal = {
    find: rule.ignoreCase ? lowerCase(find) : find,
    replacement: Buffer.from(rule.replacement),
    global: rule.global,
    ignoreCase: rule.ignoreCase,
  };
  return () => new LiteralReplacer(literal);
}

function compiledPattern(rule: Rule): PatternRule {
  try {
    const pattern = compilePattern(rule.find, rule.ignoreCase);
    const replacement = parseReplacement(rule.replacement, pattern.groupCount(), pattern.namedGroups());
    return { pattern, replacement, global: rule.global, longest: longestMatch(rule.find) };
  } catch (error) {
    const reason = (error as Error).message;
    throw new InvalidValue(
      `expected a regular expression in the syntax of RE2, found ${JSON.stringify(rule.find)}: ${reason}`,
    );
  }
}

function unquoted(text: string): string {
  return text.replaceAll(`\\'`, `'`);
}
