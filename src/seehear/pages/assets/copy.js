"use strict";
// Buttons that copy commands. If the browser refuses, the command is selected for people to copy.
(() => {
  for (const button of document.querySelectorAll("button.copy")) {
    const command = button.parentElement.querySelector("code"), status = button.parentElement.querySelector("[role=status]");
    const select = () => {
      getSelection().selectAllChildren(command);
      status.textContent = "selected: press Ctrl+C or ⌘C";
    };
    button.addEventListener("click", () => {
      if (!navigator.clipboard) { select(); return; }
      navigator.clipboard.writeText(command.textContent).then(() => { status.textContent = "copied"; }, select);
    });
    button.hidden = false;
  }
})();
