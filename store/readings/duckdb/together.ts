/** Questions that wait are answered together with those like them. */
export interface Together<Question, Answer> {
  ask(question: Question): Promise<Answer>
}

interface Group<Question, Answer> {
  readonly questions: Question[]
  readonly answers: Promise<readonly Answer[]>
}

export interface TogetherOf<Question, Answer> {
  /** Questions that one answer is made for. */
  readonly most: number
  likeness(question: Question): string
  /** Calls `begin` once, when it can start: until then others join. Resolves with the i-th answer to the i-th question. */
  answer(begin: () => readonly Question[]): Promise<readonly Answer[]>
}

export function createTogether<Question, Answer>({
  most,
  likeness,
  answer,
}: TogetherOf<Question, Answer>): Together<Question, Answer> {
  const waiting = new Map<string, Group<Question, Answer>>()

  function gather(name: string): Group<Question, Answer> {
    const questions: Question[] = []
    const close = () => {
      if (waiting.get(name)?.questions === questions) waiting.delete(name)
    }
    // A turn later, so that there is a question.
    const answers = Promise.resolve()
      .then(() =>
        answer(() => {
          close()
          return questions
        }),
      )
      .finally(close)
    const group = { questions, answers }
    waiting.set(name, group)
    return group
  }

  return {
    ask: async (question) => {
      const name = likeness(question)
      const open = waiting.get(name)
      const group = open === undefined || open.questions.length === most ? gather(name) : open
      const at = group.questions.push(question) - 1
      const answers = await group.answers
      const mine = answers[at]
      if (mine === undefined)
        throw new RangeError(`there are ${answers.length} answers to ${group.questions.length} questions`)
      return mine
    },
  }
}
