"use strict";
// Commands that a button copies. Where the browser does not let it, the command is selected for people to copy.
(() => {
  for (const button of document.querySelectorAll("button.copy")) {
    const command = button.parentElement.querySelector("code"), said = button.parentElement.querySelector("[role=status]");
    const select = () => {
      getSelection().selectAllChildren(command);
      said.textContent = "selected: copy it with the keys for that";
    };
    button.addEventListener("click", () => {
      if (!navigator.clipboard) { select(); return; }
      navigator.clipboard.writeText(command.textContent).then(() => { said.textContent = "copied"; }, select);
    });
    button.hidden = false;
  }
})();
