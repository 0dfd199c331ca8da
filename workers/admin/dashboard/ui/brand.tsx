/** The name and its mark. */
export function Brand() {
  return (
    <>
      <svg viewBox="0 0 22 22" aria-hidden="true" focusable="false">
        <rect width="22" height="22" rx="6" fill="var(--accent)" />
        <path
          d="M5 11h7M9.500 7.500 13 11l-3.500 3.500M16.500 6v10"
          fill="none"
          stroke="var(--on-accent)"
          stroke-width="1.800"
          stroke-linecap="round"
          stroke-linejoin="round"
        />
      </svg>
      RelayKey
    </>
  );
}
