using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Sendcat.ContractTests.Identity;

/// <summary>A fake Resend API: it records each mail and responds with one fixed status.</summary>
internal sealed class ResendServer(WebApplication app, ChannelReader<(JsonNode, IHeaderDictionary)> mails) : IAsyncDisposable
{
    public string Address => app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>Every received mail in order, including those that got an error status.</summary>
    public ChannelReader<(JsonNode Mail, IHeaderDictionary Headers)> Mails => mails;

    public static async Task<ResendServer> StartAsync(int status = StatusCodes.Status200OK)
    {
        var received = Channel.CreateUnbounded<(JsonNode, IHeaderDictionary)>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.MapPost("/emails", async (HttpRequest request) =>
        {
            var mail = (await JsonNode.ParseAsync(request.Body))!;
            await received.Writer.WriteAsync((mail, new HeaderDictionary(request.Headers.ToDictionary(StringComparer.OrdinalIgnoreCase))));
            return Results.Json(new { id = "1" }, statusCode: status);
        });
        await app.StartAsync();
        return new(app, received.Reader);
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
