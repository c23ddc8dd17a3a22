namespace Sendcat.ApiService.Identity.SignIns;

/// <summary>
/// Transfers what belongs to an anonymous session to the user who signed in with it. The feature that owns it registers the delegate,
/// because accounts know no threads.
/// </summary>
/// <param name="userId">The user.</param>
/// <param name="session">An accepted session id; null: nothing is transferred.</param>
/// <param name="cancellationToken">Cancels the update.</param>
/// <returns>The number of transferred threads.</returns>
internal delegate Task<int> AdoptSession(string userId, string? session, CancellationToken cancellationToken);
