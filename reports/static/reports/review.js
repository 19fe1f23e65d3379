"use strict";
/* Keys of the review queue. What they do is in the page: links, buttons and forms marked with data-shortcut. */
(() => {
    const setting = "millrace.review.keys";
    const live = document.getElementById("rv-live");
    const say = (words) => { if (live) live.textContent = words; };
    const writes = (element) => element.matches("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");
    const enabled = () => localStorage.getItem(setting) !== "off";

    function open(id) {
        const dialog = document.getElementById(id);
        if (!dialog) return false;
        dialog.showModal();
        const chosen = dialog.querySelector("input[type=radio]:checked, input[type=radio], [autofocus]");
        if (chosen) chosen.focus();
        return true;
    }

    function choose(dialog, key) {
        const choice = [...dialog.querySelectorAll("[data-key]")].find((input) => input.dataset.key === key);
        if (!choice) return false;
        choice.checked = true;
        choice.dispatchEvent(new Event("change", { bubbles: true }));
        choice.focus();
        return true;
    }

    function moveInList(step) {
        const links = [...document.querySelectorAll("#result_list tbody tr")].map((row) => row.querySelector("a")).filter(Boolean);
        const here = links.indexOf(document.activeElement);
        const next = links[here < 0 ? 0 : Math.max(0, Math.min(links.length - 1, here + step))];
        if (next) next.focus();
        return Boolean(next);
    }

    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
        const target = event.target instanceof Element ? event.target : document.body;
        if (writes(target) || event.key.length !== 1) return;
        const dialog = document.querySelector("dialog[open]");
        const key = event.key.toLowerCase();
        if (dialog) {
            if (choose(dialog, key)) event.preventDefault();
            return;
        }
        if (key !== "?" && !enabled()) return;
        const marked = document.querySelector(`[data-shortcut="${CSS.escape(key)}"]`);
        if (marked) {
            event.preventDefault();
            marked.click();
        } else if ("acmru".includes(key) && live && live.dataset.unclaimed) {
            say(live.dataset.unclaimed);
        } else if ((key === "j" || key === "k") && moveInList(key === "j" ? 1 : -1)) {
            event.preventDefault();
        }
    });

    document.addEventListener("click", (event) => {
        const opener = event.target.closest("[data-dialog]");
        if (opener && open(opener.dataset.dialog)) event.preventDefault();
        const closer = event.target.closest("[data-close]");
        if (closer) closer.closest("dialog").close();
    });

    document.addEventListener("change", (event) => {
        const { fills } = event.target.dataset;
        const field = fills === undefined ? null : event.target.form.querySelector("[data-filled]");
        if (field) field.value = fills;
    });

    // One decision, however often Enter is pressed.
    document.addEventListener("submit", (event) => {
        if (event.target.method !== "post") return;
        if (event.target.dataset.sent) event.preventDefault();
        event.target.dataset.sent = "yes";
    });
    addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

    const single = document.getElementById("rv-single-keys");
    if (single) {
        single.checked = enabled();
        single.addEventListener("change", () => localStorage.setItem(setting, single.checked ? "on" : "off"));
    }

    const until = document.querySelector("[data-claim-until]");
    if (until) {
        const rest = new Date(until.dataset.claimUntil) - Date.now();
        if (rest > 60_000) setTimeout(() => say("Your claim ends in a minute. Press h to hold it longer."), rest - 60_000);
        setTimeout(() => say("Your claim has run out. Press h to take it again."), Math.max(0, rest));
    }

    const heading = document.getElementById("rv-heading");
    if (heading) heading.focus({ preventScroll: true });
})();
