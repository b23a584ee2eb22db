// The page of jobs: asks how far they are, every two seconds while it is seen. Without this script it is as it was loaded.

const PAUSE = 2000;
const rows = document.getElementById("jobs");
const state = document.getElementById("state");

function time(seconds) {
  if (seconds === null) return "";
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

function row(job) {
  const line = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  const name = document.createElement(job.path ? "a" : "span");
  name.textContent = `${job.kind} ${job.job.slice(0, 8)}`;
  if (job.path) name.href = `../${job.path}`;
  head.append(name);
  line.append(head);
  const first = job.failures[0];
  const cells = [
    job.createdAt.slice(0, 16).replace("T", " "),
    job.status,
    job.done,
    job.failed,
    job.total,
    job.ratePerSecond === null ? "" : job.ratePerSecond.toFixed(1),
    time(job.secondsLeft),
    job.error || (first ? `${first.number}: ${first.reason}` : ""),
  ];
  for (const text of cells) {
    const cell = document.createElement("td");
    cell.textContent = text;
    line.append(cell);
  }
  return line;
}

async function renew() {
  try {
    const answer = await fetch("../jobs", { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${answer.status}`);
    const { jobs } = await answer.json();
    rows.replaceChildren(...jobs.map(row));
    state.textContent = "The newest first";
  } catch (error) {
    state.textContent = `Not up to date: ${error.message}`;
  }
}

async function follow() {
  if (!document.hidden) await renew();
  setTimeout(follow, PAUSE);
}

follow();
