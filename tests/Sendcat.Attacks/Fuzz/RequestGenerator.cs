using System.Globalization;
using System.Text;
using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Target;

namespace Sendcat.Attacks.Fuzz;

/// <summary>Generates requests: a valid request of a random operation with up to four changes.</summary>
internal sealed class RequestGenerator
{
    private readonly Random _random;
    private readonly RunSecrets _secrets;
    private readonly (string Thread, string Message) _victim;
    private readonly ApiOperation[] _operations;

    public RequestGenerator(IEnumerable<ApiOperation> operations, RunSecrets secrets, (string Thread, string Message) victim, Random random)
    {
        (_random, _secrets, _victim) = (random, secrets, victim);
        _operations = [.. operations.SelectMany(operation => Enumerable.Repeat(operation, operation.Weight))];
    }

    public FuzzRequest Next(FuzzIdentity identity)
    {
        if (_random.Next(25) == 0)
        {
            return RawRequests.Next(_random);
        }

        var operation = _operations[_random.Next(_operations.Length)];
        var changes = _random.Next(5);
        var path = Path(operation, identity, ref changes, out var known);
        var body = operation.Method is "GET" or "DELETE" or "HEAD" && _random.Next(20) > 0 ? null : Body(operation, identity, ref changes);
        var method = _random.Next(200) == 0 ? Any(["HEAD", "OPTIONS", "TRACE", "PUT", "BREW"]) : operation.Method;
        return new(
            Write(method, path, Headers(operation, identity, body, ref changes), body), known ? operation : null, ShutsDownSend: false);
    }

    /// <param name="operation">The operation.</param>
    /// <param name="identity">The resources for the parameters.</param>
    /// <param name="changes">The number of remaining changes.</param>
    /// <param name="known">False: the value of a segment may have changed the path to that of another operation.</param>
    private string Path(ApiOperation operation, FuzzIdentity identity, ref int changes, out bool known)
    {
        known = true;
        var path = new StringBuilder();
        foreach (var segment in operation.Path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            path.Append('/');
            if (segment[0] != '{')
            {
                path.Append(segment);
            }
            else if (TryChange(ref changes, 4))
            {
                var hostile = Any(HostileValues.Texts);
                var raw = _random.Next(4) == 0 && IsSendable(hostile);
                known &= !raw && hostile.Length > 0 && hostile[0] != '.';
                path.Append(raw ? hostile : Uri.EscapeDataString(hostile));
            }
            else
            {
                path.Append(Uri.EscapeDataString(RequestSamples.PathValue(operation, segment.Trim('{', '}'), identity, _victim, _random)));
            }
        }

        var separator = '?';
        foreach (var name in operation.Query)
        {
            if (_random.Next(2) == 0)
            {
                var value = TryChange(ref changes, 3) ? Any(HostileValues.Texts) : RequestSamples.QueryValue(name, identity, _random);
                path.Append(separator)
                    .Append(name)
                    .Append('=')
                    .Append(_random.Next(8) == 0 && IsSendable(value) ? value : Uri.EscapeDataString(value));
                separator = '&';
            }
        }

        return path.ToString();
    }

    private byte[]? Body(ApiOperation operation, FuzzIdentity identity, ref int changes)
    {
        if (operation.Body is null && _random.Next(10) > 0)
        {
            return null;
        }

        if (TryChange(ref changes, 12))
        {
            return Encoding.UTF8.GetBytes(_random.Next(2) == 0 ? Any(HostileValues.Bodies) : Any(HostileValues.Json));
        }

        var json = new StringBuilder("{");
        foreach (var (name, schema) in operation.Body?["properties"]?.AsObject() ?? [])
        {
            if (_random.Next(8) == 0)
            {
                continue;
            }

            var value = TryChange(ref changes, 4) ? Any(HostileValues.Json) : RequestSamples.BodyValue(name, schema, identity, _random);
            Add(json, name, value);
            if (TryChange(ref changes, 16))
            {
                Add(json, name, Any(HostileValues.Json));
            }
        }

        if (TryChange(ref changes, 10))
        {
            Add(json, Any(["__proto__", "userId", "isAdmin", "\\ud800", "$type", ""]), Any(HostileValues.Json));
        }

        var bytes = Encoding.UTF8.GetBytes(json.Append('}').ToString());
        if (TryChange(ref changes, 8))
        {
            Damage(bytes);
        }

        return bytes;
    }

    private List<(string Name, string Value)> Headers(ApiOperation operation, FuzzIdentity identity, byte[]? body, ref int changes)
    {
        var headers = new List<(string, string)> { ("Host", "sendcat") };
        if (body is not null)
        {
            headers.Add(("Content-Type", "application/json"));
        }

        if (operation.IsOps)
        {
            headers.Add(("Authorization", $"Bearer {(_random.Next(8) > 0 ? _secrets.OperatorKey : _secrets.ViewerKey)}"));
            headers.Add(("x-sendcat-reason", "fuzzing"));
        }
        else if (_random.Next(8) > 0)
        {
            if (identity.Bearer is { } bearer)
            {
                headers.Add(("Authorization", $"Bearer {bearer}"));
            }

            if (identity.Session is { } session)
            {
                headers.Add((Caller.SessionHeader, session));
            }
        }

        while (TryChange(ref changes, 3))
        {
            var hostile = Any(HostileValues.Headers);
            headers.RemoveAll(header => header.Item1 == hostile.Name && _random.Next(3) > 0);
            headers.Add(hostile);
        }

        return headers;
    }

    private byte[] Write(string method, string path, List<(string Name, string Value)> headers, byte[]? body)
    {
        var head = new StringBuilder().Append(method).Append(' ').Append(path).Append(" HTTP/1.1\r\n");
        foreach (var (name, value) in headers)
        {
            head.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        if (body is null)
        {
            return Encoding.Latin1.GetBytes(
                head.Append(method is "POST" or "PUT" or "PATCH" ? "Content-Length: 0\r\n\r\n" : "\r\n").ToString());
        }

        if (_random.Next(6) > 0)
        {
            head.Append("Content-Length: ").Append(body.Length.ToString(CultureInfo.InvariantCulture)).Append("\r\n\r\n");
            return [.. Encoding.Latin1.GetBytes(head.ToString()), .. body];
        }

        head.Append("Transfer-Encoding: chunked\r\n\r\n");
        return body.Length == 0
            ? Encoding.Latin1.GetBytes(head.Append("0\r\n\r\n").ToString())
            : [
                .. Encoding.Latin1.GetBytes(head.Append(body.Length.ToString("x", CultureInfo.InvariantCulture)).Append("\r\n").ToString()),
                .. body, .. "\r\n0\r\n\r\n"u8];
    }

    private void Damage(byte[] bytes)
    {
        for (var n = _random.Next(1, 4); n > 0 && bytes.Length > 0; n--)
        {
            bytes[_random.Next(bytes.Length)] = (byte)_random.Next(256);
        }
    }

    /// <summary>Decides with a probability of 1 / <paramref name="oneOf"/> to make a change, and counts it.</summary>
    private bool TryChange(ref int left, int oneOf)
    {
        if (left == 0 || _random.Next(oneOf) > 0)
        {
            return false;
        }

        left--;
        return true;
    }

    /// <summary>Whether the text contains no character that ends the request line or the header.</summary>
    private static bool IsSendable(string text) => text.All(c => c is > ' ' and < '\u007f');

    private static void Add(StringBuilder json, string name, string value) =>
        json.Append(json.Length > 1 ? ",\"" : "\"").Append(name).Append("\":").Append(value);

    private T Any<T>(T[] choices) => choices[_random.Next(choices.Length)];
}
