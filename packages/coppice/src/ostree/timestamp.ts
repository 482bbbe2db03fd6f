// Dates as GNU's parse-datetime reads them: `@N`, ISO 8601, RFC 822, month names, times with zone, and relative items
// such as `yesterday`, `2 days ago`, `last week`. What has no zone is local time.

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const zones: Readonly<Record<string, number>> = {
  z: 0,
  utc: 0,
  gmt: 0,
  ut: 0,
  est: -300,
  edt: -240,
  cst: -360,
  cdt: -300,
  mst: -420,
  mdt: -360,
  pst: -480,
  pdt: -420,
  cet: 60,
  cest: 120,
  eet: 120,
  eest: 180,
  wet: 0,
  west: 60,
  bst: 60,
  msk: 180,
  jst: 540,
  ist: 330,
  // Military letters, with the signs that GNU's parser had until 2020, as the original's copy has them.
  ...Object.fromEntries([...'abcdefghiklm'].map((letter, i) => [letter, -60 * (i + 1)])),
  ...Object.fromEntries([...'nopqrstuvwxy'].map((letter, i) => [letter, 60 * (i + 1)])),
};
const counts: Readonly<Record<string, number>> = {
  last: -1,
  this: 0,
  next: 1,
  first: 1,
  third: 3,
  fourth: 4,
  fifth: 5,
  sixth: 6,
  seventh: 7,
  eighth: 8,
  ninth: 9,
  tenth: 10,
  eleventh: 11,
  twelfth: 12,
};
const units: Readonly<Record<string, readonly [unit: Unit, factor: number]>> = {
  year: ['year', 1],
  month: ['month', 1],
  fortnight: ['day', 14],
  week: ['day', 7],
  day: ['day', 1],
  hour: ['second', 3600],
  minute: ['second', 60],
  min: ['second', 60],
  second: ['second', 1],
  sec: ['second', 1],
};

type Unit = 'year' | 'month' | 'day' | 'second';

interface Reading {
  date?: { year: number; month: number; day: number };
  time?: { hour: number; minute: number; second: number };
  /** Minutes east of UTC. */
  zone?: number;
  weekday?: { day: number; count: number };
  relative: Record<Unit, number>;
  /** A relative item was there, be it `now`. */
  moved?: true;
}

/** Seconds since the epoch (whole, rounded down); undefined when the text is no date. `nowMs` is where relative items start. */
export function parseTimestamp(text: string, nowMs: number): number | undefined {
  const epoch = /^\s*@(-?\d+)(?:[.,]\d+)?\s*$/.exec(text);
  if (epoch !== null) return BigInt.asIntN(64, BigInt(epoch[1]!)) === BigInt(epoch[1]!) ? Number(epoch[1]) : undefined;
  const reading: Reading = { relative: { year: 0, month: 0, day: 0, second: 0 } };
  let rest = text
    .replace(/\([^()]*\)/g, ' ')
    .trim()
    .toLowerCase();
  // Nothing at all is the start of the day.
  if (rest === '') reading.time = { hour: 0, minute: 0, second: 0 };
  while (rest !== '') {
    const used = takeItem(rest, reading);
    if (used === undefined) return undefined;
    rest = rest.slice(used).replace(/^[\s,]+/, '');
  }
  return resolve(reading, nowMs);
}

/** Reads one item at the start; gives its length. */
function takeItem(text: string, reading: Reading): number | undefined {
  return takeDate(text, reading) ?? takeTime(text, reading) ?? takeRelative(text, reading) ?? takeWord(text, reading);
}

function setDate(reading: Reading, year: number, month: number, day: number): boolean {
  if (reading.date !== undefined || month < 1 || month > 12 || day < 1 || day > 31) return false;
  reading.date = { year, month, day };
  return true;
}

function takeDate(text: string, reading: Reading): number | undefined {
  let m = /^(\d{4,})-(\d{1,2})-(\d{1,2})(?:t(?=\d))?(?!\d)?/.exec(text);
  if (m !== null) return setDate(reading, Number(m[1]), Number(m[2]), Number(m[3])) ? m[0].length : undefined;
  m = /^(\d{4})(\d{2})(\d{2})(?=$|[\st])t?/.exec(text);
  if (m !== null) return setDate(reading, Number(m[1]), Number(m[2]), Number(m[3])) ? m[0].length : undefined;
  m = /^(\d{1,2})\/(\d{1,2})(?:\/(\d{2,4}))?(?!\d)/.exec(text);
  if (m !== null) {
    const year = m[3] === undefined ? Number.NaN : fullYear(m[3]);
    return setDate(reading, year, Number(m[1]), Number(m[2])) ? m[0].length : undefined;
  }
  m = /^(\d{1,2})[\s-]+([a-z]{3,9})\.?(?:[\s,-]+(\d{4}|\d{2}(?![:\d])))?/.exec(text);
  if (m !== null && monthOf(m[2]!) > 0) {
    const year = m[3] === undefined ? Number.NaN : fullYear(m[3]);
    return setDate(reading, year, monthOf(m[2]!), Number(m[1])) ? m[0].length : undefined;
  }
  m = /^([a-z]{3,9})\.?[\s-]+(\d{1,2})(?![:\d])(?:(?:,\s*|\s+)(\d{4})(?![:\d]))?/.exec(text);
  if (m !== null && monthOf(m[1]!) > 0) {
    const year = m[3] === undefined ? Number.NaN : Number(m[3]);
    return setDate(reading, year, monthOf(m[1]!), Number(m[2])) ? m[0].length : undefined;
  }
  m = /^(\d{4})$/.exec(text);
  if (m !== null && reading.time !== undefined && reading.date !== undefined && Number.isNaN(reading.date.year)) {
    reading.date.year = Number(m[1]);
    return 4;
  }
  return undefined;
}

function fullYear(text: string): number {
  const year = Number(text);
  return text.length > 2 ? year : year < 69 ? 2000 + year : 1900 + year;
}

function monthOf(word: string): number {
  return months.findIndex((m) => word.startsWith(m)) + 1;
}

function takeTime(text: string, reading: Reading): number | undefined {
  const m =
    /^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(am|pm|a\.m\.|p\.m\.)?/.exec(text) ??
    /^(\d{1,2})()()\s*(am|pm)\b/.exec(text);
  if (m === null) return takeZone(text, reading);
  if (reading.time !== undefined) return undefined;
  let hour = Number(m[1]);
  const minute = Number(m[2] ?? 0);
  const second = Number(m[3] ?? 0);
  if (m[4] !== undefined && m[4] !== '') {
    if (hour < 1 || hour > 12) return undefined;
    hour = (hour % 12) + (m[4].startsWith('p') ? 12 : 0);
  }
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  reading.time = { hour, minute, second };
  const offset = /^\s*([+-])(\d{2}):?(\d{2})?(?!\d)/.exec(text.slice(m[0].length));
  if (offset === null) return m[0].length;
  reading.zone = (offset[1] === '-' ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3] ?? 0));
  return m[0].length + offset[0].length;
}

function takeZone(text: string, reading: Reading): number | undefined {
  const m = /^([a-z]+)(?:([+-])(\d{1,2}):?(\d{2})?)?(?![a-z])/.exec(text);
  if (m === null || !Object.hasOwn(zones, m[1]!) || reading.zone !== undefined) return undefined;
  const extra = m[2] === undefined ? 0 : (m[2] === '-' ? -1 : 1) * (Number(m[3]) * 60 + Number(m[4] ?? 0));
  reading.zone = zones[m[1]!]! + extra;
  return m[0].length;
}

function takeRelative(text: string, reading: Reading): number | undefined {
  const m =
    /^(?:([+-]?\s*\d+)\s*|(last|this|next|first|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth)\s+)?([a-z]+?)(s?)(\s+ago)?(?![a-z])/.exec(
      text,
    );
  if (m === null) return undefined;
  const unit = Object.hasOwn(units, m[3]!) ? units[m[3]!] : undefined;
  if (unit === undefined) return undefined;
  const count = m[1] !== undefined ? Number(m[1].replace(/\s/g, '')) : m[2] !== undefined ? counts[m[2]]! : 1;
  reading.moved = true;
  reading.relative[unit[0]] += count * unit[1] * (m[5] === undefined ? 1 : -1);
  return m[0].length;
}

function takeWord(text: string, reading: Reading): number | undefined {
  const m = /^(?:(last|this|next)\s+)?([a-z]+)\.?/.exec(text);
  if (m === null) return undefined;
  switch (m[1] === undefined ? m[2] : '') {
    case 'now':
    case 'today':
      reading.moved = true;
      return m[0].length;
    case 'yesterday':
      reading.moved = true;
      reading.relative.day -= 1;
      return m[0].length;
    case 'tomorrow':
      reading.moved = true;
      reading.relative.day += 1;
      return m[0].length;
  }
  const day = m[2]!.length < 3 ? -1 : weekdays.findIndex((w) => m[2]!.startsWith(w));
  if (day < 0 || reading.weekday !== undefined) return undefined;
  reading.weekday = { day, count: m[1] === undefined ? 0 : counts[m[1]]! };
  return m[0].length;
}

function resolve(reading: Reading, nowMs: number): number | undefined {
  const { date, time, zone, weekday, relative } = reading;
  // Calendar fields in the given zone, or local ones.
  const shift = zone === undefined ? undefined : new Date(nowMs + zone * 60_000);
  const now = new Date(nowMs);
  const pick = <T>(utc: (d: Date) => T, local: (d: Date) => T): T => (shift === undefined ? local(now) : utc(shift));
  const year = pick(
    (d) => d.getUTCFullYear(),
    (d) => d.getFullYear(),
  );
  let fields = {
    year: date === undefined || Number.isNaN(date.year) ? year : date.year,
    month:
      (date?.month ??
        pick(
          (d) => d.getUTCMonth(),
          (d) => d.getMonth(),
        ) + 1) - 1,
    day:
      date?.day ??
      pick(
        (d) => d.getUTCDate(),
        (d) => d.getDate(),
      ),
    hour: 0,
    minute: 0,
    second: 0,
  };
  if (time !== undefined) fields = { ...fields, ...time };
  else if (date === undefined && weekday === undefined && (zone === undefined || reading.moved === true)) {
    // A zone alone means the start of its day.
    fields.hour = pick(
      (d) => d.getUTCHours(),
      (d) => d.getHours(),
    );
    fields.minute = pick(
      (d) => d.getUTCMinutes(),
      (d) => d.getMinutes(),
    );
    fields.second = pick(
      (d) => d.getUTCSeconds(),
      (d) => d.getSeconds(),
    );
  }
  const check = new Date(Date.UTC(fields.year, fields.month, fields.day));
  if (date !== undefined && check.getUTCMonth() !== fields.month) return undefined;
  let { day } = fields;
  if (weekday !== undefined && date === undefined) {
    const ahead = (weekday.day - check.getUTCDay() + 7) % 7;
    day += ahead + 7 * (weekday.count - (weekday.count > 0 && ahead !== 0 ? 1 : 0));
  }
  const args = [
    fields.year + relative.year,
    fields.month + relative.month,
    day + relative.day,
    fields.hour,
    fields.minute,
    fields.second,
  ] as const;
  const ms = zone === undefined ? new Date(...args).getTime() : Date.UTC(...args) - zone * 60_000;
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000) + relative.second;
}
