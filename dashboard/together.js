// Clips that stand side by side play, pause and jump together. Media events do not bubble, but they can be captured.
if (!window.greenlightTogether) {
  window.greenlightTogether = true;
  const APART = 0.05; // seconds: less than a frame at 24 frames a second is no difference
  const follow = (event) => {
    const row = event.target.closest && event.target.closest(".gl-clips");
    if (!row) return;
    for (const other of row.querySelectorAll("video")) {
      if (other === event.target) continue;
      if (Math.abs(other.currentTime - event.target.currentTime) > APART) other.currentTime = event.target.currentTime;
      if (event.type === "play" && other.paused) other.play().catch(() => {});
      if (event.type === "pause" && !other.paused && !event.target.ended) other.pause();
    }
  };
  for (const type of ["play", "pause", "seeking"]) document.addEventListener(type, follow, true);
}
