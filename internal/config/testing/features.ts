import type * as z from 'zod';
import type { FeatureSchema } from '../feature.ts';
import { anyText, integer, key } from '../schema/field.ts';
import { middleware, stepKey } from '../schema/plugin.ts';

const tagSchema = middleware(
  'tag',
  {
    label: key(anyText('a label'), { type: 'string', required: true }, 'What requests are tagged with.'),
    times: key(integer(1, 9), { type: 'integer', default: '1' }, 'How often.'),
    step: stepKey(['request', 'proxy_upstream'], 'When.'),
  },
  'Tags requests.',
);

/** What `tag` makes of an entry. */
export interface TagConfig {
  readonly label: string;
  readonly times: number;
  readonly step: string;
  readonly bounds: { readonly list: readonly number[] };
}

/** A middleware that exists for the tests of the config alone. */
const tag: FeatureSchema<z.infer<typeof tagSchema>, TagConfig> = {
  category: 'tag',
  schema: tagSchema,
  readyMade: { tagOnce: { label: 'once' } },
  build(raw, entry) {
    if (raw.label === 'none') return entry.report(['label'], 'there is no label `none`');
    if (raw.label === 'odd') entry.warn(['label'], 'the label `odd` is odd');
    const { label, times = 1, step = 'request' } = raw;
    return { label, times, step, bounds: { list: [0, times] } };
  },
};

/** What configs in tests may declare. */
export const TEST_FEATURES: readonly FeatureSchema[] = [tag];
