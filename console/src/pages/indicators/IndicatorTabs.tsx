// The two halves of Indicators.
import { AreaTabs } from '../../ui/AreaTabs';

export const IndicatorTabs = () => <AreaTabs label="Indicators" pages={[['/indicators', 'Sets'], ['/indicators/search', 'All indicators']]} />;
