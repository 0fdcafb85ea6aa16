/** Which stream an event goes to: what must not share a fate has a lane of its own, a stream with the same header. */

export const enum Lane {
  Usual = 0,
  /** Its events outlive others when there is too much, and go first: purchases. */
  Precious,
}

/** What a header of the lane begins with. A space is nothing to JSON, and tells an adopter. */
export const laneMark = (lane: Lane): string => (lane ? ' ' : '');

/** The lane that a header says. */
export const laneOf = (header: string): Lane => +(header[0] === ' ');
