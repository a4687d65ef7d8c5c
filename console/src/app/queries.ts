// The cache of what the server said. What is known of one customer is never shown for another.
import { hashKey, QueryClient } from '@tanstack/react-query';
import { currentCustomer } from '../lib/api';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A list must not move under the pointer because its window came to the front.
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 1 && ((error as { status?: number }).status ?? 0) >= 500,
      queryKeyHashFn: (key) => hashKey([currentCustomer(), ...key]),
    },
  },
});
