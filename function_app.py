"""The app: every trigger, by area. Importing it loads no DICOM and no storage library; the first call does."""

import azure.functions as func

from functions import (
    _library_logs,
    _wiring,
    _worker_memory,
    _worker_paths,
    http_cases,
    http_cases_index,
    http_cases_list,
    http_cases_report,
    http_cases_store,
    http_deidentify,
    http_deidentify_jobs,
    http_describe,
    http_dicomweb_changes,
    http_dicomweb_delete,
    http_dicomweb_partitions,
    http_dicomweb_retrieve,
    http_dicomweb_search,
    http_dicomweb_store,
    http_health,
    http_imports,
    http_jobs,
    http_ledger,
    http_openapi,
    http_page_assets,
    http_poison,
    http_preflight,
    http_risk,
    http_search,
    http_search_objects,
    http_sessions,
    http_start_page,
    http_uploads,
    queue_analytics,
    queue_deidentify,
    queue_import,
    queue_sessions,
    queue_study_changed,
    queue_upload,
    timer_drain_poison,
    timer_reindex,
    timer_sweep_cases,
    timer_sweep_sessions,
    timer_sweep_studies,
    timer_sweep_uploads,
)

_ACCESS = {
    "anonymous": func.AuthLevel.ANONYMOUS,
    "function": func.AuthLevel.FUNCTION,
    "entra": func.AuthLevel.ANONYMOUS,  # the app checks tokens itself, in functions/_access.py
}
_settings = _wiring.settings()

app = func.FunctionApp(http_auth_level=_ACCESS[_settings.access])
for area in (
    http_dicomweb_store,
    http_dicomweb_retrieve,
    http_dicomweb_search,
    http_dicomweb_delete,
    http_dicomweb_changes,
    http_dicomweb_partitions,
    http_cases,
    http_cases_index,
    http_cases_list,
    http_cases_report,
    http_deidentify,
    http_describe,
    http_risk,
    http_search,
    http_search_objects,
    http_cases_store,
    http_deidentify_jobs,
    http_health,
    http_imports,
    http_jobs,
    http_ledger,
    http_openapi,
    http_page_assets,
    http_poison,
    http_preflight,
    http_sessions,
    http_start_page,
    http_uploads,
    queue_analytics,
    queue_deidentify,
    queue_import,
    queue_sessions,
    queue_study_changed,
    queue_upload,
    timer_sweep_cases,
    timer_sweep_sessions,
    timer_sweep_studies,
    timer_sweep_uploads,
):
    app.register_functions(area.bp)
app.register_functions(timer_reindex.make_blueprint(_settings.reindex_schedule))
app.register_functions(timer_drain_poison.make_blueprint(_settings.poison_schedule))

if _settings.blob_events == "scan" and _settings.object_store == "s3":
    from functions import timer_scan_buckets

    app.register_functions(timer_scan_buckets.bp)
elif _settings.blob_events == "scan":
    from functions import blob_created

    app.register_functions(blob_created.make_blueprint(_settings.watched_containers))
else:
    from functions import queue_blob_event

    app.register_functions(queue_blob_event.bp)

if _settings.elasticsearch_url:
    from functions import timer_update_search

    app.register_functions(timer_update_search.bp)

if _settings.upstream_url:
    from functions import queue_upstream_event, timer_poll_changefeed

    app.register_functions(queue_upstream_event.bp)
    app.register_functions(timer_poll_changefeed.make_blueprint(_settings.upstream_poll_schedule))

if _settings.sends_telemetry:
    from functions import timer_measure_queues

    app.register_functions(timer_measure_queues.bp)

_library_logs.quieten_libraries()
_worker_memory.release_finished_requests()
_worker_paths.free_framework_paths()
