import { useNavigate, useSearch } from "@tanstack/react-router";
import { frameText as t } from "../../texts/frame";
import { AloneCard } from "../alone-card";
import { LoginForm } from "../login-form";

/** Where to go after the login: only a path of this application. */
function safePath(next: unknown): string {
  return typeof next === "string" && /^\/(?!\/)/.test(next) ? next : "/dashboard";
}

export function LoginPage() {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  return (
    <AloneCard title={t("login.title")}>
      <LoginForm
        onDone={() => void navigate({ href: safePath(search["next"]), replace: true } as Parameters<typeof navigate>[0])}
      />
    </AloneCard>
  );
}
