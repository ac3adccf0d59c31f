import { Button, type ButtonProps, Tooltip } from "@mantine/core";
import type { ReactNode } from "react";

interface WhyButtonProps extends Omit<ButtonProps, "disabled"> {
  /** Why it does nothing now; null when it does. */
  why: string | null;
  onClick: () => void;
  children: ReactNode;
}

/** A button that stays in its place when it cannot act, and says why. */
export function WhyButton({ why, onClick, children, ...look }: WhyButtonProps) {
  return (
    <Tooltip label={why ?? ""} disabled={why === null}>
      <Button
        {...look}
        {...(why === null ? {} : { "data-disabled": true, "aria-disabled": true, "aria-description": why })}
        onClick={() => {
          if (why === null) onClick();
        }}
      >
        {children}
      </Button>
    </Tooltip>
  );
}
