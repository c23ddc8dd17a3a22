using System.Collections.Frozen;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Net.Http.Headers;

namespace Sendcat.Monitor.WebConsole;

/// <summary>The files of the page. They are inside the assembly, so that every way to start the program has them.</summary>
internal sealed class PageFiles
{
    private const string Prefix = "console/";
    private const string Index = "index.html";
    private const string Module = ".js";
    private const string Vendor = "vendor/";

    private static readonly Dictionary<string, string> Types = new(StringComparer.Ordinal)
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".mjs"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".txt"] = "text/plain; charset=utf-8",
    };

    private readonly FrozenDictionary<string, PageFile> _files = Load();

    /// <summary>The names below <c>/assets/</c>.</summary>
    public IReadOnlyCollection<string> Names => _files.Keys;

    /// <summary>The bytes that a browser downloads for the page; no page refers to the licences.</summary>
    public long CompressedBytes =>
        _files.Where(file => Path.GetExtension(file.Key) != ".txt").Sum(file => (long)file.Value.Compressed.Length);

    public void Map(WebApplication app)
    {
        app.MapGet("/", (HttpContext http) => Send(http, _files[Index]));
        app.MapGet(
            "/assets/{**name}",
            (HttpContext http, string name) => _files.TryGetValue(name, out var file) ? Send(http, file) : Results.NotFound());
    }

    private static IResult Send(HttpContext http, PageFile file)
    {
        var headers = http.Response.Headers;
        headers.CacheControl = "no-cache";
        headers.Vary = "Accept-Encoding";
        var compressed = http.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase);
        if (compressed)
        {
            headers.ContentEncoding = "gzip";
        }

        return compressed
            ? Results.Bytes(file.Compressed, file.Type, entityTag: new EntityTagHeaderValue(file.CompressedTag))
            : Results.Bytes(file.Bytes, file.Type, entityTag: new EntityTagHeaderValue(file.Tag));
    }

    private static FrozenDictionary<string, PageFile> Load()
    {
        var assembly = typeof(PageFiles).Assembly;
        var files = assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .ToDictionary(name => name[Prefix.Length..].Replace('\\', '/'), Read, StringComparer.Ordinal);
        var modules = files
            .Where(file => file.Key.EndsWith(Module, StringComparison.Ordinal) && !file.Key.StartsWith(Vendor, StringComparison.Ordinal))
            .ToDictionary(file => file.Key, file => Encoding.UTF8.GetString(file.Value), StringComparer.Ordinal);
        return files.Where(file => !modules.ContainsKey(file.Key))
            .Append(new(PageScript.Name, Encoding.UTF8.GetBytes(PageScript.Join(modules))))
            .ToFrozenDictionary(
                file => file.Key, file => PageFile.Of(file.Value, Types[Path.GetExtension(file.Key)]), StringComparer.Ordinal);

        byte[] Read(string name)
        {
            using var resource = assembly.GetManifestResourceStream(name)!;
            using var bytes = new MemoryStream();
            resource.CopyTo(bytes);
            return bytes.ToArray();
        }
    }

    private sealed record PageFile(byte[] Bytes, byte[] Compressed, string Type, string Tag, string CompressedTag)
    {
        public static PageFile Of(byte[] bytes, string type)
        {
            using var compressed = new MemoryStream();
            using (var gzip = new GZipStream(compressed, CompressionLevel.SmallestSize))
            {
                gzip.Write(bytes);
            }

            var hash = Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8));
            return new(bytes, compressed.ToArray(), type, $"\"{hash}\"", $"\"{hash}-gzip\"");
        }
    }
}
