{%- set text = dbt.type_string() -%}
with

account_versions as (

    select * from {{ ref('int_account_mapping__account_versions') }}
    where {{ account_mapping.is_no_lead() }}

),

opportunity_versions as (

    select * from {{ ref('int_account_mapping__opportunity_versions') }}

),

contact_versions as (

    select * from {{ ref('int_account_mapping__contact_versions') }}
    where not is_lead

),

lead_rows as (

    select * from {{ ref('int_account_mapping__lead_rows') }}

),

lookup_versions as (

    select * from {{ ref('int_account_mapping__lookup_versions') }}

),

account_ids as (

    select * from {{ ref('int_account_mapping__account_ids') }}

),

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

partner_rows as (

    select * from {{ ref('int_account_mapping__partner_rows') }}

),

deal_rows as (

    select * from {{ ref('int_account_mapping__deal_rows') }}

),

partner_contact_rows as (

    select * from {{ ref('int_account_mapping__partner_contact_rows') }}

),

person_key_rows as (

    select
        side,
        case
            when problem is null then 'used'
            when problem = 'inactive_partner' then 'excluded'
            else 'rejected'
        end as outcome

    from {{ ref('int_account_mapping__person_key_rows') }}

),

partner_accounts as (

    select * from {{ ref('int_account_mapping__partner_accounts') }}

),

partner_files as (

    select * from {{ ref('stg_account_mapping__partner_files') }}

),

key_rows as (

    select
        side,
        case
            when problem is null then 'used'
            when problem = 'inactive_partner' then 'excluded'
            else 'rejected'
        end as outcome

    from {{ ref('int_account_mapping__key_rows') }}

),

partner_keys as (

    select * from {{ ref('stg_account_mapping__partner_keys') }}
    where key_type is distinct from 'person'

),

partner_agreements as (

    select case when is_malformed then 'rejected' else 'used' end as outcome
    from {{ ref('stg_account_mapping__partner_agreements') }}

),

partner_fields as (

    select * from {{ ref('stg_account_mapping__partner_fields') }}

),
{% if account_mapping.uses_crm('shared_keys') %}
own_keys as (

    select * from {{ ref('stg_account_mapping__own_shared_keys') }}
    where key_type is distinct from 'person'

),
{% endif %}
known_deals as (

    select distinct
        source_relation,
        source_opportunity_id

    from opportunity_versions
    where record_state in ('current', 'merged')

),

staged_rows as (

    select
        account_versions.source_relation || '.' || account_versions.source_table as input,
        case
            when account_versions.version_rank = 1 and account_ids.is_merged then 'merged'
            when account_versions.record_state <> 'current' then account_versions.record_state
            when account_ids.account_id is null then 'deleted'
            when accounts.is_excluded then 'excluded'
            else 'used'
        end as outcome,
        account_versions.notes is not null as is_repaired,
        account_versions.updated_at,
        account_versions.extracted_at

    from account_versions
    left join account_ids
        on
            account_versions.source_relation = account_ids.source_relation
            and account_versions.source_account_id = account_ids.source_account_id
    left join accounts
        on account_ids.account_id = accounts.account_id

    {% for versions in ['opportunity_versions', 'contact_versions', 'lookup_versions'] -%}
    union all

    -- what belongs to no account, or to one that was deleted, counts nowhere
    select
        {{ versions }}.source_relation || '.' || {{ versions }}.source_table as input,
        case
            when {{ versions }}.record_state <> 'current' then {{ versions }}.record_state
            {%- if versions == 'lookup_versions' %}
            when {{ versions }}.source_opportunity_id is null and {{ versions }}.source_account_id is null then 'used'
            when known_deals.source_opportunity_id is null then 'rejected'
            {%- endif %}
            when account_ids.account_id is null then 'rejected'
            when accounts.is_excluded then 'excluded'
            else 'used'
        end as outcome,
        {{ versions }}.notes is not null as is_repaired,
        {{ versions }}.updated_at,
        {{ versions }}.extracted_at

    from {{ versions }}
    left join account_ids
        on
            {{ versions }}.source_relation = account_ids.source_relation
            and {{ versions }}.source_account_id = account_ids.source_account_id
    left join accounts
        on account_ids.account_id = accounts.account_id
    {% if versions == 'lookup_versions' -%}
    left join known_deals
        on
            {{ versions }}.source_relation = known_deals.source_relation
            and {{ versions }}.source_opportunity_id = known_deals.source_opportunity_id

    {% endif %}
    {%- endfor %}
    union all

    select
        lead_rows.source_relation || '.' || lead_rows.source_table as input,
        case
            when lead_rows.record_state <> 'current' then lead_rows.record_state
            when accounts.is_excluded then 'excluded'
            else 'used'
        end as outcome,
        lead_rows.notes is not null as is_repaired,
        lead_rows.updated_at,
        lead_rows.extracted_at

    from lead_rows
    left join accounts
        on lead_rows.source_relation || ':' || lead_rows.source_lead_id = accounts.account_id

    union all

    select
        partner_rows.source as input,
        case
            when partner_rows.problem = 'duplicate_account_id' then 'older'
            when partner_rows.problem = 'inactive_partner' then 'excluded'
            when partner_rows.problem is not null then 'rejected'
            when partner_accounts.is_excluded then 'excluded'
            else 'used'
        end as outcome,
        partner_rows.notes is not null as is_repaired,
        partner_rows.updated_at,
        cast(null as timestamp) as extracted_at

    from partner_rows
    left join partner_accounts
        on
            partner_rows.partner_id = partner_accounts.partner_id
            and partner_rows.account_id = partner_accounts.account_id

    union all

    select
        deal_rows.source_relation || '.' || deal_rows.source_table as input,
        case
            when deal_rows.problem = 'inactive_partner' then 'excluded'
            when deal_rows.record_state <> 'current' then deal_rows.record_state
            when partner_accounts.is_excluded then 'excluded'
            else 'used'
        end as outcome,
        deal_rows.notes is not null or (deal_rows.raw_is_won is not null and deal_rows.is_won is null) as is_repaired,
        deal_rows.updated_at,
        deal_rows.extracted_at

    from deal_rows
    left join partner_accounts
        on
            deal_rows.partner_id = partner_accounts.partner_id
            and deal_rows.account_id = partner_accounts.account_id

    union all

    select
        partner_contact_rows.source_relation || '.' || partner_contact_rows.source_table as input,
        case
            when partner_contact_rows.problem = 'inactive_partner' then 'excluded'
            when partner_contact_rows.record_state <> 'current' then partner_contact_rows.record_state
            when partner_accounts.is_excluded then 'excluded'
            else 'used'
        end as outcome,
        partner_contact_rows.notes is not null as is_repaired,
        partner_contact_rows.updated_at,
        partner_contact_rows.extracted_at

    from partner_contact_rows
    left join partner_accounts
        on
            partner_contact_rows.partner_id = partner_accounts.partner_id
            and partner_contact_rows.account_id = partner_accounts.account_id

),

counted as (

    select
        input,
        outcome,
        count(*) as n_rows,
        count(case when is_repaired and outcome = 'used' then 1 end) as repaired_rows,
        max(updated_at) as updated_at,
        max(extracted_at) as extracted_at

    from staged_rows
    group by input, outcome

    union all

    -- rows of a file that are no rows of a list
    select
        file_name as input,
        'rejected' as outcome,
        sum(n_rows) as n_rows,
        0 as repaired_rows,
        cast(null as timestamp) as updated_at,
        cast(null as timestamp) as extracted_at

    from partner_files
    where
        kind = 'problem'
        and not is_repair
        and n_rows > 0
    group by file_name

    union all

    -- one row may have been mended in several ways: at least as many as by the most usual one
    select
        file_name as input,
        'used' as outcome,
        0 as n_rows,
        coalesce(max(case when is_repair then n_rows end), 0) as repaired_rows,
        cast(null as timestamp) as updated_at,
        cast(null as timestamp) as extracted_at

    from partner_files
    where kind in ('file', 'problem')
    group by file_name

    {% for side, input, keys in [('partner', 'partners.partner_keys', 'partner_keys')] + (
        [('ours', 'own.shared_keys', 'own_keys')] if account_mapping.uses_crm('shared_keys') else []
    ) -%}
    union all

    select
        '{{ input }}' as input,
        outcome,
        count(*) as n_rows,
        0 as repaired_rows,
        cast(null as timestamp) as updated_at,
        cast(null as timestamp) as extracted_at

    from key_rows
    where side = '{{ side }}'
    group by outcome

    union all

    -- keys are distinct rows
    select
        '{{ input }}' as input,
        'merged' as outcome,
        (select count(*) from {{ keys }}) - count(*) as n_rows,
        0 as repaired_rows,
        cast(null as timestamp) as updated_at,
        cast(null as timestamp) as extracted_at

    from key_rows
    where side = '{{ side }}'

    {% endfor -%}
    union all

    select
        case side when 'ours' then 'own.shared_keys' else 'partners.partner_keys' end as input,
        outcome,
        count(*) as n_rows,
        0 as repaired_rows,
        cast(null as timestamp) as updated_at,
        cast(null as timestamp) as extracted_at

    from person_key_rows
    group by side, outcome

    union all

    select
        'partners.partner_agreements' as input,
        outcome,
        count(*) as n_rows,
        0 as repaired_rows,
        cast(null as timestamp) as updated_at,
        cast(null as timestamp) as extracted_at

    from partner_agreements
    group by outcome

    union all

    select
        'partners.partner_fields' as input,
        'used' as outcome,
        count(*) as n_rows,
        0 as repaired_rows,
        cast(null as timestamp) as updated_at,
        cast(null as timestamp) as extracted_at

    from partner_fields

),

final as (

    select
        input,
        {%- for outcome in ['used', 'merged', 'older', 'deleted', 'excluded', 'rejected'] %}
        cast(sum(case when outcome = '{{ outcome }}' then n_rows else 0 end) as bigint) as rows_{{ outcome }},
        {%- endfor %}
        cast(
            least(sum(repaired_rows), sum(case when outcome = 'used' then n_rows else 0 end)) as bigint
        ) as rows_repaired,
        coalesce(max(updated_at), max(extracted_at)) as newest_change

    from counted
    group by input

)

select * from final
