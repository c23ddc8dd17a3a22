using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <inheritdoc />
    public partial class Orders : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "reported_at",
                table: "packages",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "evidence",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<string>(type: "text", nullable: false),
                    source = table.Column<string>(type: "text", nullable: false),
                    message_id = table.Column<string>(type: "text", nullable: false),
                    merchant = table.Column<string>(type: "text", nullable: true),
                    received_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    processed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    status = table.Column<string>(type: "text", nullable: false),
                    error = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_evidence", x => x.id);
                    table.CheckConstraint("ck_evidence_source", "source in ('gmail', 'whatsapp')");
                    table.CheckConstraint("ck_evidence_status", "status in ('pending', 'extracted', 'failed', 'ignored')");
                    table.ForeignKey(
                        name: "fk_evidence_users_user_id",
                        column: x => x.user_id,
                        principalTable: "users",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "purchase_drafts",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<string>(type: "text", nullable: false),
                    status = table.Column<string>(type: "text", nullable: false),
                    merchant = table.Column<string>(type: "text", nullable: false),
                    store_name = table.Column<string>(type: "text", nullable: true),
                    order_numbers = table.Column<string[]>(type: "text[]", nullable: false),
                    items_summary = table.Column<string>(type: "text", nullable: true),
                    total_amount = table.Column<decimal>(type: "numeric(18,3)", precision: 18, scale: 3, nullable: true),
                    total_currency = table.Column<string>(type: "text", nullable: true),
                    confidence = table.Column<double>(type: "double precision", nullable: false),
                    invoice_present = table.Column<bool>(type: "boolean", nullable: false),
                    invoice_id = table.Column<Guid>(type: "uuid", nullable: true),
                    confirmed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_purchase_drafts", x => x.id);
                    table.CheckConstraint("ck_purchase_drafts_status", "status in ('draft', 'confirmed', 'rejected')");
                    table.ForeignKey(
                        name: "fk_purchase_drafts_attachments_invoice_id",
                        column: x => x.invoice_id,
                        principalTable: "attachments",
                        principalColumn: "id",
                        onDelete: ReferentialAction.SetNull);
                    table.ForeignKey(
                        name: "fk_purchase_drafts_users_user_id",
                        column: x => x.user_id,
                        principalTable: "users",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "unclaimed_packages",
                columns: table => new
                {
                    tracking_number = table.Column<string>(type: "text", nullable: false),
                    merchant = table.Column<string>(type: "text", nullable: true),
                    description = table.Column<string>(type: "text", nullable: true),
                    status = table.Column<string>(type: "text", nullable: false),
                    weight = table.Column<decimal>(type: "numeric(10,2)", precision: 10, scale: 2, nullable: true),
                    cost = table.Column<decimal>(type: "numeric(14,2)", precision: 14, scale: 2, nullable: true),
                    location = table.Column<string>(type: "text", nullable: true),
                    reported_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_unclaimed_packages", x => x.tracking_number);
                    table.CheckConstraint("ck_unclaimed_packages_status", "status in ('warehouse', 'in_transit', 'ready_for_pickup', 'delivered')");
                });

            migrationBuilder.CreateTable(
                name: "user_preferences",
                columns: table => new
                {
                    user_id = table.Column<string>(type: "text", nullable: false),
                    auto_create_pre_alerts = table.Column<bool>(type: "boolean", nullable: false),
                    gmail_sync_enabled = table.Column<bool>(type: "boolean", nullable: false),
                    whatsapp_sync_enabled = table.Column<bool>(type: "boolean", nullable: false),
                    package_status_mails = table.Column<bool>(type: "boolean", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_user_preferences", x => x.user_id);
                    table.ForeignKey(
                        name: "fk_user_preferences_users_user_id",
                        column: x => x.user_id,
                        principalTable: "users",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "draft_evidence",
                columns: table => new
                {
                    draft_id = table.Column<Guid>(type: "uuid", nullable: false),
                    evidence_id = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_draft_evidence", x => new { x.draft_id, x.evidence_id });
                    table.ForeignKey(
                        name: "fk_draft_evidence_evidence_evidence_id",
                        column: x => x.evidence_id,
                        principalTable: "evidence",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_draft_evidence_purchase_drafts_draft_id",
                        column: x => x.draft_id,
                        principalTable: "purchase_drafts",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "draft_parcels",
                columns: table => new
                {
                    user_id = table.Column<string>(type: "text", nullable: false),
                    tracking_number = table.Column<string>(type: "text", nullable: false),
                    draft_id = table.Column<Guid>(type: "uuid", nullable: false),
                    carrier = table.Column<string>(type: "text", nullable: true),
                    is_verified = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_draft_parcels", x => new { x.user_id, x.tracking_number });
                    table.ForeignKey(
                        name: "fk_draft_parcels_purchase_drafts_draft_id",
                        column: x => x.draft_id,
                        principalTable: "purchase_drafts",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "pre_alerts",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<string>(type: "text", nullable: false),
                    draft_id = table.Column<Guid>(type: "uuid", nullable: true),
                    tracking_number = table.Column<string>(type: "text", nullable: false),
                    carrier = table.Column<string>(type: "text", nullable: true),
                    status = table.Column<string>(type: "text", nullable: false),
                    confirmed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    submitted_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_pre_alerts", x => x.id);
                    table.CheckConstraint("ck_pre_alerts_status", "status in ('draft', 'confirmed', 'submitted', 'rejected')");
                    table.ForeignKey(
                        name: "fk_pre_alerts_purchase_drafts_draft_id",
                        column: x => x.draft_id,
                        principalTable: "purchase_drafts",
                        principalColumn: "id",
                        onDelete: ReferentialAction.SetNull);
                    table.ForeignKey(
                        name: "fk_pre_alerts_users_user_id",
                        column: x => x.user_id,
                        principalTable: "users",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_packages_reported",
                table: "packages",
                column: "tracking_number",
                unique: true,
                filter: "reported_at is not null");

            migrationBuilder.CreateIndex(
                name: "ix_draft_evidence_evidence_id",
                table: "draft_evidence",
                column: "evidence_id");

            migrationBuilder.CreateIndex(
                name: "ix_draft_parcels_draft_id",
                table: "draft_parcels",
                column: "draft_id");

            migrationBuilder.CreateIndex(
                name: "ix_evidence_user_id_received_at_id",
                table: "evidence",
                columns: new[] { "user_id", "received_at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_evidence_user_id_source_message_id",
                table: "evidence",
                columns: new[] { "user_id", "source", "message_id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_pre_alerts_draft_id",
                table: "pre_alerts",
                column: "draft_id");

            migrationBuilder.CreateIndex(
                name: "ix_pre_alerts_tracking_number_submitted_at",
                table: "pre_alerts",
                columns: new[] { "tracking_number", "submitted_at" },
                filter: "status = 'submitted'");

            migrationBuilder.CreateIndex(
                name: "ix_pre_alerts_user_id_created_at_id",
                table: "pre_alerts",
                columns: new[] { "user_id", "created_at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_pre_alerts_user_id_tracking_number",
                table: "pre_alerts",
                columns: new[] { "user_id", "tracking_number" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_purchase_drafts_invoice_id",
                table: "purchase_drafts",
                column: "invoice_id",
                filter: "invoice_id is not null");

            migrationBuilder.CreateIndex(
                name: "ix_purchase_drafts_order_numbers",
                table: "purchase_drafts",
                column: "order_numbers")
                .Annotation("Npgsql:IndexMethod", "gin");

            migrationBuilder.CreateIndex(
                name: "ix_purchase_drafts_user_id_created_at_id",
                table: "purchase_drafts",
                columns: new[] { "user_id", "created_at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_purchase_drafts_user_id_status_created_at_id",
                table: "purchase_drafts",
                columns: new[] { "user_id", "status", "created_at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_unclaimed_packages_reported_at_tracking_number",
                table: "unclaimed_packages",
                columns: new[] { "reported_at", "tracking_number" });

            // The invoice of a draft is an attachment: it is not swept, it outlives the messages that name it, and it is deleted with its draft or
            // when another replaces it, unless a message or another draft names it.
            migrationBuilder.Sql(
                """
                create function keep_invoice() returns trigger language plpgsql as $$
                begin
                  update attachments set attached_at = now() where id = new.invoice_id and attached_at is null;
                  return null;
                end $$;

                create function delete_former_invoice() returns trigger language plpgsql as $$
                begin
                  perform 1 from attachments where id = old.invoice_id for update;
                  delete from attachments a where a.id = old.invoice_id
                    and not exists (select from message_attachments m where m.attachment_id = a.id)
                    and not exists (select from purchase_drafts d where d.invoice_id = a.id);
                  return null;
                end $$;

                create or replace function delete_unnamed_attachments() returns trigger language plpgsql as $$
                declare
                  ids uuid[] := array(select distinct attachment_id from unlinked);
                begin
                  perform 1 from attachments where id = any(ids) order by id for update;
                  delete from attachments a where a.id = any(ids)
                    and not exists (select from message_attachments m where m.attachment_id = a.id)
                    and not exists (select from purchase_drafts d where d.invoice_id = a.id);
                  return null;
                end $$;

                create trigger drafts_name_invoice after update of invoice_id on purchase_drafts for each row
                  when (new.invoice_id is not null and new.invoice_id is distinct from old.invoice_id) execute function keep_invoice();
                create trigger drafts_replace_invoice after update of invoice_id on purchase_drafts for each row
                  when (old.invoice_id is not null and new.invoice_id is distinct from old.invoice_id) execute function delete_former_invoice();
                create trigger drafts_delete_invoice after delete on purchase_drafts for each row
                  when (old.invoice_id is not null) execute function delete_former_invoice();
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(
                """
                drop trigger drafts_name_invoice on purchase_drafts;
                drop trigger drafts_replace_invoice on purchase_drafts;
                drop trigger drafts_delete_invoice on purchase_drafts;
                drop function keep_invoice, delete_former_invoice;

                create or replace function delete_unnamed_attachments() returns trigger language plpgsql as $$
                declare
                  ids uuid[] := array(select distinct attachment_id from unlinked);
                begin
                  perform 1 from attachments where id = any(ids) order by id for update;
                  delete from attachments a where a.id = any(ids) and not exists (select from message_attachments m where m.attachment_id = a.id);
                  return null;
                end $$;
                """);

            migrationBuilder.DropTable(
                name: "draft_evidence");

            migrationBuilder.DropTable(
                name: "draft_parcels");

            migrationBuilder.DropTable(
                name: "pre_alerts");

            migrationBuilder.DropTable(
                name: "unclaimed_packages");

            migrationBuilder.DropTable(
                name: "user_preferences");

            migrationBuilder.DropTable(
                name: "evidence");

            migrationBuilder.DropTable(
                name: "purchase_drafts");

            migrationBuilder.DropIndex(
                name: "ix_packages_reported",
                table: "packages");

            migrationBuilder.DropColumn(
                name: "reported_at",
                table: "packages");
        }
    }
}
