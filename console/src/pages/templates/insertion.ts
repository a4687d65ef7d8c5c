// What a click on a variable writes into a template.

/** The variable as a template names it; a list as the loop that goes through it, its members inside. */
export function insertion(name: string, isList: boolean): string {
  const [list, member] = name.split('[].');
  if (member !== undefined) return `{{ ${singular(list ?? '')}.${member} }}`;
  return isList ? `{% for ${singular(name)} in ${name} %}\n{{ ${singular(name)}.name }}\n{% endfor %}` : `{{ ${name} }}`;
}

const singular = (list: string) => list.replace(/s$/, '');

/** `text` with `what` in place of what is selected, and where the cursor is then. */
export function inserted(text: string, what: string, from: number, to: number): { text: string; at: number } {
  return { text: text.slice(0, from) + what + text.slice(to), at: from + what.length };
}
