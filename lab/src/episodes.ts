/** Hours of real crashes: open, high, low and close in USD, one line an hour from midnight UTC. Prices are facts; sources are named. */

export const EPISODE_NAMES = ["eth-2020-03-12", "eth-2021-05-19"] as const;
export type EpisodeName = (typeof EPISODE_NAMES)[number];

/** Prices in 1e-8 USD, the unit of the feed. */
export interface Bar {
  readonly open: bigint;
  readonly high: bigint;
  readonly low: bigint;
  readonly close: bigint;
}

export interface Episode {
  readonly name: EpisodeName;
  readonly title: string;
  readonly source: string;
  /** Midnight UTC before the first bar. */
  readonly start: string;
  readonly bars: readonly Bar[];
}

const DECIMALS = 8;

/** A decimal number of at most eight places as an integer of 1e-8. */
export function parsePrice(text: string): bigint {
  const match = /^(\d+)(?:\.(\d{1,8}))?$/.exec(text);
  if (match === null) throw new RangeError(`"${text}" is not a price with at most ${DECIMALS} decimals`);
  const [, whole = "", fraction = ""] = match;
  return BigInt(whole + fraction.padEnd(DECIMALS, "0"));
}

/** Reads a table and refuses bars whose low or high does not enclose the rest. */
export function parseBars(table: string): Bar[] {
  return table
    .trim()
    .split("\n")
    .map((line, hour) => {
      const [open, high, low, close, ...rest] = line.trim().split(/ +/).map(parsePrice);
      if (open === undefined || high === undefined || low === undefined || close === undefined || rest.length > 0)
        throw new RangeError(`Hour ${hour} has not four prices: "${line.trim()}"`);
      const encloses = low > 0n && [open, close].every((price) => low <= price && price <= high);
      if (!encloses) throw new RangeError(`Hour ${hour} leaves its own low and high: "${line.trim()}"`);
      return { open, high, low, close };
    });
}

export const EPISODES: Readonly<Record<EpisodeName, Episode>> = {
  "eth-2020-03-12": {
    name: "eth-2020-03-12",
    title: "ETH, 12 and 13 March 2020",
    source: "Binance spot ETH/USDT, hourly, as published by CryptoDataDownload",
    start: "2020-03-12T00:00:00Z",
    bars: parseBars(`
  194.61 195.55 192.22 193.31
  193.3 193.73 184.23 185.03
  185.01 187.62 182.66 184.1
  184.13 185.52 181.9 183.08
  183.02 183.06 180 181.71
  181.71 182.23 180.16 181.75
  181.79 181.82 172 173.8
  173.78 174.22 167.61 171.61
  171.65 172.36 166.61 169.54
  169.53 170.23 167.44 167.97
  167.97 168.89 125 132.91
  132.91 150 123 136.59
  136.45 142.52 134.01 136.99
  136.88 139.47 126.75 135.03
  134.92 142.97 134 139.66
  139.66 141.53 136.35 141.1
  141.11 142.65 134.41 139.35
  139.3 145.22 138.5 141.96
  142 142.95 136.85 137.23
  137.23 139.75 136.87 138.37
  138.4 139.09 125 128.84
  129.06 132.8 125.05 130.99
  130.99 134.95 126.2 127.26
  127.32 127.32 101.2 107.82
  107.67 116.36 104.2 106.89
  106.97 112 96 96.62
  96.51 120.2 86 111.12
  111.25 138 110 124.24
  124.17 124.24 106 109.7
  109.7 123.32 109.15 116.63
  116.63 127 114.22 126.13
  126.14 128.47 120 127.28
  127.18 132.85 119.99 125.33
  125.32 133.5 125 129.46
  129.46 133 126.78 131.13
  131.13 131.21 124.48 127.6
  127.6 132.36 125.26 129.26
  129.34 139.68 128 131.93
  131.95 136.71 125 126.89
  126.87 128 114.87 123.7
  123.72 128.55 119.27 123.46
  123.44 126.93 120.87 123.56
  123.62 123.87 114.84 118.88
  118.86 130.62 116.4 128.32
  128.26 130.3 125 126.88
  126.77 131.81 126.67 128.83
  128.85 133.1 128.62 133.04
  132.98 136.99 130.23 134.06
    `),
  },
  "eth-2021-05-19": {
    name: "eth-2021-05-19",
    title: "ETH, 19 and 20 May 2021",
    source: "Binance spot ETH/USDT, hourly",
    start: "2021-05-19T00:00:00Z",
    bars: parseBars(`
  3375.08 3441.73 3349.31 3354.13
  3354.14 3354.9 3157 3188.24
  3188.21 3238.14 3105 3109.44
  3109.44 3158.21 3042.64 3097.23
  3097.23 3133.18 2858.79 2931.56
  2932.27 3029.56 2908 2927.68
  2927.36 3017.41 2925 2944.96
  2944.96 3012 2857.41 2985
  2985 2996.46 2917.45 2978.31
  2978.27 3006 2933 2973.82
  2973.82 2984.49 2818.88 2856.56
  2856.66 2866.68 2442.82 2721.08
  2721.08 2773.52 1960 2365.18
  2365.18 2599 1888 2493.69
  2493.68 2617 2285 2612.74
  2612.22 2780 2519.59 2742.61
  2741.44 2895 2601 2852.6
  2851.93 2920.44 2726.94 2768.89
  2767.69 2789.96 2555 2604.36
  2604.65 2680 2556.18 2601.13
  2601.13 2717.42 2516 2523.3
  2523.01 2598.54 2427.5 2586.24
  2586.3 2714.28 2550 2657
  2658.08 2674.57 2429 2438.92
  2438.92 2546.03 2155 2230.9
  2231.96 2388 2172.77 2338.47
  2338.51 2483.4 2318.58 2465.76
  2465.83 2500 2389.9 2472.46
  2472.46 2592.46 2454.82 2564.07
  2563.8 2695 2559.71 2655.47
  2655.43 2690.29 2576.76 2645.25
  2645.75 2779 2645.25 2712.69
  2712.68 2747.36 2655.98 2694.55
  2694.54 2700.24 2567.06 2672.55
  2672.56 2720 2643.92 2710.05
  2711.09 2758.99 2670.32 2754.41
  2754.4 2902.5 2708.01 2874.84
  2874.84 2990.05 2842 2904.15
  2904.89 2967 2863.25 2894.28
  2894.28 2956.89 2859.15 2903.99
  2903.97 2905.7 2581 2700.5
  2700.47 2778.99 2640 2758.33
  2758.5 2810 2715 2781.3
  2781.3 2819.86 2748.09 2782.41
  2782.81 2832 2742.91 2759.38
  2759.39 2838.51 2724.32 2836.06
  2836.39 2861.84 2689 2841.81
  2841.15 2859.66 2739 2768.62
    `),
  },
};
