/** Light or dark: what a host is showing, and how a drawing should look in it. */
export type Scheme = "light" | "dark";
