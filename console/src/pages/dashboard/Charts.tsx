// The charts of the dashboard. Drawn for the eye only: the same numbers are in a table for screen readers.
import '@mantine/charts/styles.css';
import { AreaChart, LineChart } from '@mantine/charts';
import { VisuallyHidden } from '@mantine/core';
import { type Day, dayName } from './days';

const HEIGHT = 200;
const one = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

// Not focusable and not read: the table says it better.
const plain = { accessibilityLayer: false } as const;
const axis = { xAxisProps: { minTickGap: 40 }, yAxisProps: { width: 44, allowDecimals: false } } as const;

export function ScoreChart({ days }: { days: Day[] }) {
  const data = days.map(({ date, point }) => ({ day: dayName(date), score: point ? point.average_risk_score : null }));
  return (
    <>
      <div aria-hidden>
        <LineChart
          h={HEIGHT} data={data} dataKey="day" series={[{ name: 'score', label: 'Average risk score', color: 'blue.6' }]}
          valueFormatter={(value) => one.format(value)} connectNulls={false} curveType="linear" withDots={days.length < 8} strokeWidth={2}
          lineChartProps={plain} {...axis} yAxisProps={{ ...axis.yAxisProps, tickFormatter: (value: number) => whole.format(value) }}
        />
      </div>
      <Numbers caption="Average risk score by day" days={days} columns={[['Average risk score', ({ average_risk_score }) => one.format(average_risk_score)]]} />
    </>
  );
}

const LEVELS = [
  { name: 'high', label: 'High', color: 'red.6' },
  { name: 'medium', label: 'Medium', color: 'orange.5' },
  { name: 'low', label: 'Low', color: 'yellow.4' },
] as const;

type Point = NonNullable<Day['point']>;
type Props = { caption: string; days: Day[]; of: (point: Point) => Record<'high' | 'medium' | 'low', number> };

/** Numbers by level, one above the other. */
export function LevelChart({ caption, days, of }: Props) {
  const nothing = { high: null, medium: null, low: null };
  const data = days.map(({ date, point }) => ({ day: dayName(date), ...(point ? of(point) : nothing) }));
  return (
    <>
      <div aria-hidden>
        <AreaChart
          h={HEIGHT} data={data} dataKey="day" type="stacked" series={[...LEVELS].reverse()} valueFormatter={(value) => whole.format(value)}
          connectNulls={false} curveType="linear" withDots={days.length < 8} withGradient={false} fillOpacity={0.45} strokeWidth={1.5}
          areaChartProps={plain} {...axis}
        />
      </div>
      <Numbers caption={caption} days={days} columns={LEVELS.map(({ name, label }) => [label, (point) => whole.format(of(point)[name])])} />
    </>
  );
}

type NumbersProps = { caption: string; days: Day[]; columns: [string, (point: Point) => string][] };

function Numbers({ caption, days, columns }: NumbersProps) {
  return (
    <VisuallyHidden>
      <table>
        <caption>{caption}</caption>
        <thead><tr><th scope="col">Day</th>{columns.map(([title]) => <th key={title} scope="col">{title}</th>)}</tr></thead>
        <tbody>
          {days.map(({ date, point }) => (
            <tr key={date}>
              <th scope="row">{dayName(date)}</th>
              {columns.map(([title, value]) => <td key={title}>{point ? value(point) : 'not counted'}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </VisuallyHidden>
  );
}
