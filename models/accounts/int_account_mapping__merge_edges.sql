{%- set text = dbt.type_string() -%}
{%- set columns = {
    'source_relation': text,
    'is_current_version': 'boolean',
    'updated_at': 'timestamp',
    'extracted_at': 'timestamp',
    'row_problem': text,
} -%}
{%- set opportunity_columns = {'source_opportunity_id': text, 'merged_source_opportunity_ids': text} -%}
{%- set contact_columns = {
    'source_contact_id': text,
    'merged_into_source_contact_id': text,
    'merged_source_contact_ids': text,
} -%}
with

accounts as (

    select * from {{ ref('int_account_mapping__account_merges') }}

),

opportunities as (

    {{ account_mapping.crm_records('opportunities', dict(columns, **opportunity_columns)) }}

),

contacts as (

    {{ account_mapping.crm_records('contacts', dict(columns, **contact_columns)) }}

),

account_merges as (

    {{ account_mapping.said_merges(
        'accounts',
        'accounts',
        'source_account_id',
        merged_into='merged_into_source_account_id',
        merged_ids='merged_source_account_ids',
    ) }}

),

opportunity_merges as (

    {{ account_mapping.said_merges(
        'opportunities', 'opportunities', 'source_opportunity_id', merged_ids='merged_source_opportunity_ids'
    ) }}

),

contact_merges as (

    {{ account_mapping.said_merges(
        'contacts',
        'contacts',
        'source_contact_id',
        merged_into='merged_into_source_contact_id',
        merged_ids='merged_source_contact_ids',
    ) }}

),

said as (

    select * from account_merges
    union all
    select * from opportunity_merges
    union all
    select * from contact_merges

),

-- of several words on one record the latest counts
ranked as (

    select
        *,
        row_number() over (
            partition by kind, source_relation, source_id
            order by
                is_current_version desc, updated_at desc nulls last, extracted_at desc nulls last, merged_into_id
        ) as merge_rank

    from said
    where source_id <> merged_into_id

),

final as (

    select
        kind,
        source_relation,
        source_id,
        merged_into_id

    from ranked
    where merge_rank = 1

)

select * from final
