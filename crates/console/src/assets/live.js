// Keeps a page true while it is open. Without it every page works and is as old as it is loaded.
// Parts marked data-live="SECONDS" are fetched again with the page that they are on, and replaced where they changed.
(() => {
  "use strict";

  const span = (seconds) =>
    seconds < 120 ? `${seconds} s`
    : seconds < 7200 ? `${Math.floor(seconds / 60)} min`
    : seconds < 172800 ? `${Math.floor(seconds / 3600)} h`
    : `${Math.floor(seconds / 86400)} days`;

  // The words of every moment, from the moment itself; the server's clock counts, not this machine's.
  let ahead = 0;
  const tell = () => {
    const now = Math.floor(Date.now() / 1000) + ahead;
    for (const time of document.querySelectorAll("time[datetime]")) {
      const at = Math.floor(Date.parse(time.dateTime) / 1000);
      if (Number.isNaN(at)) continue;
      const words = "left" in time.dataset ? (at > now ? `${span(at - now)} left` : "time is over")
        : at > now ? `in ${span(at - now)}`
        : now - at < 5 ? "just now" : `${span(now - at)} ago`;
      if (time.textContent !== words) time.textContent = words;
      if ("left" in time.dataset) time.classList.toggle("soon", at - now < 60);
    }
  };
  setInterval(tell, 1000);

  const live = () => [...document.querySelectorAll("[data-live]")];
  const parts = live();
  if (parts.length > 0) {
    const pace = Math.max(2, ...parts.map((part) => Number(part.dataset.live) || 5)) * 1000;
    let pause = pace;
    // Moments differ with every look and are told here; everything else that differs is news.
    const essence = (part) => {
      const copy = part.cloneNode(true);
      for (const time of copy.querySelectorAll("time")) { time.textContent = ""; time.classList.remove("soon"); }
      return copy.outerHTML;
    };
    const replace = (part, other) => {
      const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
      part.replaceWith(document.importNode(other, true));
      if (focused) document.getElementById(focused)?.focus();
    };
    const look = async () => {
      try {
        if (!document.hidden) {
          const answer = await fetch(location.href, { redirect: "manual", cache: "no-store", credentials: "same-origin" });
          // A redirect leads to the sign-in: the session is over.
          if (answer.type === "opaqueredirect") return location.reload();
          const date = Date.parse(answer.headers.get("date") ?? "");
          if (!Number.isNaN(date)) ahead = Math.round((date - Date.now()) / 1000);
          if (answer.ok) {
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            for (const part of live()) {
              const other = page.getElementById(part.id);
              if (!other || essence(part) === essence(other)) continue;
              // A decision that somebody else made ends this page's form too.
              if (part.dataset.state && part.dataset.state !== other.dataset.state && !typing()) return location.reload();
              replace(part, other);
            }
            document.title = page.title;
            tell();
            pause = pace;
          } else {
            pause = Math.min(pause * 2, 60000);
          }
        }
      } catch {
        pause = Math.min(pause * 2, 60000);
      }
      setTimeout(look, pause);
    };
    const typing = () => (document.getElementById("reason")?.value ?? "") !== "";
    // Showing an original is recorded and cannot be asked for again by looking.
    if (!location.pathname.endsWith("/original") && !location.pathname.endsWith("/decision")) setTimeout(look, pause);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) tell(); });
  }

  // Denying needs a reason: say so before the form is sent.
  const reason = document.getElementById("reason");
  document.addEventListener("click", (event) => {
    const button = event.target.closest('button[name="verdict"][value="deny"]');
    if (!button || !reason) return;
    const missing = reason.value.trim() === "";
    reason.setCustomValidity(missing ? "Say why you deny it; the caller is told." : "");
    if (missing) { event.preventDefault(); reason.focus(); reason.reportValidity(); }
  });
  reason?.addEventListener("input", () => reason.setCustomValidity(""));
  // One decision is sent once.
  for (const form of document.querySelectorAll('form[method="post"]')) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) return event.preventDefault();
      form.dataset.sent = "yes";
    });
  }
  addEventListener("pageshow", () => { for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent; });
})();
