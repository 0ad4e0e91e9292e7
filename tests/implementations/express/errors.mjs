/** An answer that is not the one the client hoped for. */
export class ApiError extends Error {
  constructor(status, code, message, { details = [], headers = {} } = {}) {
    super(message);
    Object.assign(this, { status, code, details, headers });
  }

  get body() {
    return { error: { message: this.message, code: this.code, details: this.details } };
  }
}

export const notFound = () => new ApiError(404, 'NOT_FOUND', 'There is nothing here.');

export const methodNotAllowed = () =>
  new ApiError(405, 'METHOD_NOT_ALLOWED', 'Calls are created with POST.', { headers: { Allow: 'POST, OPTIONS' } });
