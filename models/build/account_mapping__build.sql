-- depends_on: {{ ref('account_mapping__accounts') }}
-- depends_on: {{ ref('account_mapping__matches') }}
-- depends_on: {{ ref('account_mapping__overlaps') }}
-- depends_on: {{ ref('account_mapping__overlap_matrix') }}
-- depends_on: {{ ref('account_mapping__partner_coverage') }}
-- depends_on: {{ ref('account_mapping__population_matrix') }}
-- depends_on: {{ ref('account_mapping__plays') }}
-- depends_on: {{ ref('account_mapping__whitespace') }}
-- depends_on: {{ ref('account_mapping__partner_impact') }}
-- depends_on: {{ ref('account_mapping__owner_pairs') }}
-- depends_on: {{ ref('account_mapping__ecosystem_coverage') }}
{% if var('account_mapping__history') -%}
-- depends_on: {{ ref('account_mapping__overlap_history') }}
-- depends_on: {{ ref('account_mapping__overlap_changes') }}
-- depends_on: {{ ref('account_mapping__signals') }}
{% endif -%}
-- depends_on: {{ ref('account_mapping__match_review') }}
-- depends_on: {{ ref('account_mapping__match_quality') }}
-- depends_on: {{ ref('account_mapping__data_issues') }}
-- depends_on: {{ ref('account_mapping__inputs') }}
-- depends_on: {{ ref('account_mapping__shared_keys') }}
-- depends_on: {{ ref('account_mapping__shared_counts') }}
-- depends_on: {{ ref('account_mapping__shared_fields') }}
-- depends_on: {{ ref('account_mapping__sharing_preview') }}
select
    build_id,
    as_of,
    '{{ var('account_mapping__currency') | upper }}' as currency
from {{ ref('int_account_mapping__build') }}
