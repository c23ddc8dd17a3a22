using Microsoft.Extensions.Options;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Snapshot;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>The jobs of this worker, for operators.</summary>
internal sealed class WorkerLoad(HeldJobs jobs, IOptionsMonitor<BulkheadOptions> options) : IProcessLoad
{
    public string Kind => "worker";

    public ProcessLoad Read() => new(Jobs: jobs.Count, Slots: options.CurrentValue.ToolJobMax);
}
