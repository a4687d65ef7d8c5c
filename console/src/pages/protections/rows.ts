// What can be said about rows of the Protections table.
import type { Classification, Response, RiskLevel } from '../../api';

export type Setting = { risk_level: RiskLevel; response: Response };

export const defaultsOf = (row: Classification): Setting => ({ risk_level: row.default_risk_level, response: row.default_response });
export const settingOf = (row: Classification): Setting => ({ risk_level: row.risk_level, response: row.response });
export const same = (a: Setting, b: Setting) => a.risk_level === b.risk_level && a.response === b.response;
/** Whether the row differs from its defaults. */
export const isChanged = (row: Classification) => !same(settingOf(row), defaultsOf(row));
