using System.Text.Json;
using Sendcat.Integrations.Extraction;
using Sendcat.Integrations.Orders;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.ToolWorker.Messages;

/// <summary>Executes <c>messages</c>: reads one WhatsApp message, or sends one reply.</summary>
internal sealed class MessageHandler(MessageReader reader, ReplySender sender, OrderExtraction extraction) : IToolHandler
{
    public ToolLane Lane => QueuedWork.Messages.Lane;

    public Task PrepareAsync(CancellationToken cancellationToken) => extraction.PrepareAsync(cancellationToken);

    public Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken) =>
        JsonSerializer.Deserialize(arguments, MessageJson.Default.MessageJob) switch
        {
            { Message: { } message } => reader.ReadAsync(message, cancellationToken),
            { Reply: { } reply } => sender.SendAsync(reply, cancellationToken),
            _ => Task.FromResult<ToolResult>(new ToolResult.Rejected("The job has neither a message nor a reply.")),
        };
}

internal static class MessagesFeature
{
    public static IServiceCollection AddMessages(this IServiceCollection services) =>
        services.AddOutbound().AddExtraction().AddOrderIntake()
            .AddSingleton<GraphClient>().AddSingleton<MediaDownload>().AddSingleton<Replies>()
            .AddSingleton<ReplySender>().AddSingleton<MessageReader>().AddSingleton<IToolHandler, MessageHandler>();
}
