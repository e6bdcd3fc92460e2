/** JSON that is written already, of a body of that shape. */
export class JsonText<Body> {
  declare readonly of: Body
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}
