"use strict";
// Hands long work to a worker made from the engine's own text; without workers it is done here.
const Workshop = (() => {
  let worker = null;
  let count = 0;
  const waiting = new Map();

  function start() {
    try {
      const text = document.getElementById("engine").textContent;
      const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      worker = new Worker(url);
      worker.onmessage = ({ data }) => {
        const done = waiting.get(data.id);
        waiting.delete(data.id);
        if (done) done.resolve(data);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        worker = null;
        const left = [...waiting.values()];
        waiting.clear();
        for (const { job, resolve } of left) here(job).then(resolve);
      };
    } catch { worker = null; }
  }
  let loaded = null;
  async function here(job) {
    const begin = performance.now();
    if (job.kind !== "data" && loaded) Work.answer(loaded);
    return { id: job.id, result: Work.answer(job), time: performance.now() - begin };
  }
  function ask(given) {
    count += 1;
    const job = { ...given, id: count };
    if (job.kind === "data") loaded = job;
    if (!worker) return here(job);
    return new Promise((resolve) => {
      waiting.set(job.id, { job, resolve });
      worker.postMessage(job);
    });
  }
  return { start, ask, inWorker: () => worker !== null };
})();
