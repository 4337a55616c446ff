{%- set text = dbt.type_string() -%}
{%- set merge_columns = {
    'source_relation': text,
    'source_account_id': text,
    'merged_into_source_account_id': text,
    'is_current_version': 'boolean',
    'updated_at': 'timestamp',
} -%}
{#- The merged row points at its survivor, but in HubSpot, where the survivor lists the rows that it took in. -#}
{%- set account_models = {
    'salesforce': 'stg_account_mapping__salesforce_accounts',
    'hubspot': 'stg_account_mapping__hubspot_companies',
    'dynamics_365': 'stg_account_mapping__dynamics_365_accounts',
} -%}
{%- set crms = account_mapping.crms_in_use() | select('in', account_models) | list -%}

with

{% if 'hubspot' in crms %}
hubspot_companies as (

    select * from {{ ref(account_models['hubspot']) }}

),

hubspot_merged as (

    {{ account_mapping.explode_items(
        'hubspot_companies',
        'merged_source_account_ids',
        keep=['source_account_id', 'is_current_version', 'updated_at'],
    ) }}

),
{% endif %}

merges as (

    {% for crm in crms %}
    select
        '{{ crm }}' as source_relation,
        {%- if crm == 'hubspot' %}
        {{ account_mapping.clean_id('item') }} as source_account_id,
        source_account_id as merged_into_source_account_id,
        {%- else %}
        source_account_id,
        merged_into_source_account_id,
        {%- endif %}
        is_current_version,
        updated_at

    from {{ 'hubspot_merged' if crm == 'hubspot' else ref(account_models[crm]) }}
    {{ 'union all' if not loop.last }}
    {% else %}
    {{ account_mapping.no_rows(merge_columns) }}
    {% endfor %}

),

ranked_merges as (

    -- former versions count too: a loader that keeps history closes the merged
    -- row; the latest word wins where versions disagree
    select
        source_relation,
        source_account_id,
        merged_into_source_account_id,
        row_number() over (
            partition by source_relation, source_account_id
            order by
                is_current_version desc,
                updated_at desc nulls last,
                merged_into_source_account_id
        ) as row_rank

    from merges
    where
        source_account_id is not null
        and merged_into_source_account_id is not null
        and source_account_id <> merged_into_source_account_id

),

latest_accounts as (

    select * from {{ ref('int_account_mapping__account_versions') }}
    where version_rank = 1

),

merge_edges as (

    select
        source_relation,
        source_account_id,
        merged_into_source_account_id

    from ranked_merges
    where row_rank = 1

),

merge_roots as (

    {{ account_mapping.roots(
        'merge_edges', 'source_relation', 'source_account_id', 'merged_into_source_account_id'
    ) | indent(4) }}

),

pointers as (

    select
        source_relation,
        source_account_id,
        source_account_id as surviving_source_account_id

    from latest_accounts

    union all

    select
        source_relation,
        node as source_account_id,
        root as surviving_source_account_id

    from merge_roots
    where node <> root

),

-- a merged id stands twice: for itself as loaded and for its survivor
resolved as (

    select
        pointers.source_relation,
        pointers.source_account_id,
        pointers.surviving_source_account_id,
        row_number() over (
            partition by pointers.source_relation, pointers.source_account_id
            order by
                case
                    when pointers.source_account_id = pointers.surviving_source_account_id then 1
                    else 0
                end
        ) as preference

    from pointers

),

final as (

    select
        resolved.source_relation,
        resolved.source_account_id,
        resolved.source_relation || ':' || resolved.surviving_source_account_id as account_id,
        resolved.source_account_id <> resolved.surviving_source_account_id as is_merged,
        coalesce(merge_roots.is_cyclic, false) as is_merge_cycle

    from resolved
    inner join latest_accounts
        on
            resolved.source_relation = latest_accounts.source_relation
            and resolved.surviving_source_account_id = latest_accounts.source_account_id
    left join merge_roots
        on
            resolved.source_relation = merge_roots.source_relation
            and resolved.source_account_id = merge_roots.node
    where
        resolved.preference = 1
        and not latest_accounts.is_deleted

)

select * from final
