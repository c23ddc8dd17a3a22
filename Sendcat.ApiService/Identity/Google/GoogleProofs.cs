using System.Security.Cryptography;
using System.Text;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Identity.Google;

/// <summary>Accepts the one-time codes with which clients prove a Google account.</summary>
internal sealed class GoogleProofs(GoogleFlows flows)
{
    /// <summary>
    /// Takes the proof of a code. The code becomes valid again when the request ends with 503, or its client leaves before it is handled:
    /// the client may repeat the request, and the code stays bound to it.
    /// </summary>
    /// <param name="http">The request. Without a verifier, its cookie must be that of the browser that started the flow.</param>
    /// <param name="code">The one-time code.</param>
    /// <param name="verifier">The verifier of the client's challenge; null: the flow was started without one.</param>
    /// <returns>
    /// The proof; 400 for a code that is unknown, expired, used or bound to another client, 503 when Redis does not respond.
    /// </returns>
    public async Task<Outcome<GoogleProof>> TakeAsync(HttpContext http, string code, string? verifier)
    {
        try
        {
            if (await flows.FindAsync(code) is not { } issued || !IsBound(issued.Proof))
            {
                return NotValid();
            }

            // Before it is taken: the response of Redis may be lost.
            http.Response.OnStarting(() => IsUndone(http.Response.StatusCode) ? RestoreAsync(issued) : Task.CompletedTask);
            return await flows.TakeAsync(issued) ? issued.Proof : NotValid();
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            return ApiError.UpstreamUnavailable(TimeSpan.FromSeconds(1), RefusalReason.RedisUnavailable);
        }

        bool IsBound(GoogleProof proof) => proof.Challenge is { } challenge
            ? verifier is not null && AreEqual(GoogleFlows.DigestOf(verifier), challenge)
            : GoogleBrowser.DigestOf(http) is { } browser && AreEqual(browser, proof.Browser);
    }

    private static bool IsUndone(int status) =>
        status is StatusCodes.Status503ServiceUnavailable or StatusCodes.Status499ClientClosedRequest;

    private static ApiError NotValid() => ApiError.InvalidRequest("The code is not valid any more");

    private async Task RestoreAsync(IssuedProof issued)
    {
        try
        {
            await flows.RestoreAsync(issued);
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            // The user signs in at Google again.
        }
    }

    private static bool AreEqual(string left, string right) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(left), Encoding.UTF8.GetBytes(right));
}
