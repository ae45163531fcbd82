from .audit import AuditQuestion as AuditQuestion
from .audit import AuditResult as AuditResult
from .audit import audit_corpora as audit_corpora
from .document import audit_document as audit_document
from .flags import AuditedBenchmark as AuditedBenchmark
from .flags import flags_for as flags_for
from .flags import read_audit as read_audit
