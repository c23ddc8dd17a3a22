using System.Net.Http.Headers;
using Sendcat.Monitor.Chat;
using Sendcat.Monitor.Watch;

namespace Sendcat.Monitor.WebConsole;

/// <summary>
/// Sends requests of signed-in persons to the operator API with their own keys, so that the API decides what they may do and its audit
/// names them.
/// </summary>
internal sealed class OpsForwarder(HttpClient http, ApiAddresses addresses, ObservationHistory history)
{
    public const string ReasonHeader = "x-sendcat-reason";

    private const string Caller = "api/ops/self";
    private const int LongestBody = 512 * 1024;

    /// <summary>The response headers that the page needs.</summary>
    private static readonly string[] Relayed = [Wire.ErrorCodeHeader, "Retry-After"];

    /// <summary>Requests from the API whose key this is.</summary>
    /// <returns>Null: no address responds.</returns>
    public Task<HttpResponseMessage?> CallerAsync(HttpContext caller, string key, CancellationToken cancellationToken) =>
        SendAsync(caller, HttpMethod.Get, Caller, key, null, cancellationToken);

    /// <summary>Sends the request of the page to the same path of the API.</summary>
    /// <returns>Null: no address responds.</returns>
    public async Task<HttpResponseMessage?> ForwardAsync(HttpContext caller, string key, CancellationToken cancellationToken)
    {
        var body = await BodyAsync(caller.Request, cancellationToken);
        var path = $"{caller.Request.Path.ToUriComponent()}{caller.Request.QueryString.ToUriComponent()}"[1..];
        return await SendAsync(caller, HttpMethod.Parse(caller.Request.Method), path, key, body, cancellationToken);
    }

    /// <summary>Reads a page of the API.</summary>
    /// <returns>Null: no address responds.</returns>
    public Task<HttpResponseMessage?> GetAsync(string path, string? key, CancellationToken cancellationToken) =>
        SendAsync(null, HttpMethod.Get, path, key, null, cancellationToken);

    /// <summary>The response as the page gets it.</summary>
    public static async Task<IResult> RelayAsync(HttpContext caller, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        foreach (var name in Relayed)
        {
            if (response.Headers.TryGetValues(name, out var values))
            {
                caller.Response.Headers[name] = values.First();
            }
        }

        if (response.Content.Headers.ContentDisposition is { } disposition)
        {
            caller.Response.Headers.ContentDisposition = disposition.ToString();
        }

        var bytes = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        caller.Response.StatusCode = (int)response.StatusCode;
        return bytes.Length == 0
            ? Results.StatusCode((int)response.StatusCode)
            : new Body(bytes, response.Content.Headers.ContentType?.ToString() ?? "application/octet-stream");
    }

    /// <summary>
    /// Tries the addresses one after another until one accepts the connection. A request that was sent is not sent again: it could be a
    /// change.
    /// </summary>
    private async Task<HttpResponseMessage?> SendAsync(
        HttpContext? caller, HttpMethod method, string path, string? key, byte[]? body, CancellationToken cancellationToken)
    {
        foreach (var address in await CandidatesAsync(cancellationToken))
        {
            using var request = new HttpRequestMessage(method, new Uri(address, path));
            request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
            if (caller is not null)
            {
                Describe(request, caller);
            }

            if (body is not null)
            {
                request.Content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } };
            }

            try
            {
                return await http.SendAsync(request, cancellationToken);
            }
            catch (HttpRequestException failure)
                when (failure.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError)
            {
                // The next address.
            }
            catch (Exception failure)
                when (failure is HttpRequestException
                    || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>Those that responded to the last probe come first.</summary>
    private async Task<IEnumerable<Uri>> CandidatesAsync(CancellationToken cancellationToken)
    {
        var down = history.Snapshot().Where(api => api.Observations is [.., { State: ApiObservation.Down }])
            .Select(api => api.Address).ToHashSet();
        return (await addresses.FindAsync(cancellationToken)).OrderBy(down.Contains);
    }

    /// <summary>The page sends the reason percent-encoded, because scripts can send Latin letters alone in a header.</summary>
    private static void Describe(HttpRequestMessage request, HttpContext caller)
    {
        if (caller.Request.Headers[ReasonHeader] is [{ Length: > 0 } reason])
        {
            request.Headers.TryAddWithoutValidation(ReasonHeader, OneLine(Uri.UnescapeDataString(reason)));
        }

        if (caller.Connection.RemoteIpAddress is { } address)
        {
            request.Headers.TryAddWithoutValidation("X-Forwarded-For", address.ToString());
        }
    }

    private static string OneLine(string text) => string.Concat(text.Select(character => char.IsControl(character) ? ' ' : character));

    private static async Task<byte[]?> BodyAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength is not (> 0 and <= LongestBody))
        {
            return null;
        }

        var body = new byte[request.ContentLength.Value];
        await request.Body.ReadExactlyAsync(body, cancellationToken);
        return body;
    }

    private sealed class Body(byte[] bytes, string type) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.ContentType = type;
            httpContext.Response.ContentLength = bytes.Length;
            await httpContext.Response.Body.WriteAsync(bytes, httpContext.RequestAborted);
        }
    }
}
