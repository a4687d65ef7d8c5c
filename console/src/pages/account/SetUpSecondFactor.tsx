// Shown to whoever has no second factor where the settings require one; nothing else is open to them before.
import { Suspense } from 'react';
import { Button, Skeleton } from '@mantine/core';
import { signOut } from '../../api';
import { Frame } from '../sign-in/Frame';
import { SecondFactors } from './SecondFactors';
import { StepUpProvider } from './stepUp';

const toStart = () => location.assign('/');

export default function SetUpSecondFactor() {
  return (
    <Frame title="Set up a second factor" description="Your organisation asks for more than a password. Choose one of these; you can add others later.">
      <StepUpProvider>
        <Suspense fallback={<Skeleton h={200} />}><SecondFactors onSetUp={toStart} /></Suspense>
      </StepUpProvider>
      <Button variant="subtle" onClick={() => void signOut().then(() => location.assign('/sign-in'))}>Sign out</Button>
    </Frame>
  );
}
