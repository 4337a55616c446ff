{%- set text = dbt.type_string() -%}
{%- set opportunity_columns = {
    'source_relation': text,
    'source_table': text,
    'source_opportunity_id': text,
    'source_account_id': text,
    'merged_source_opportunity_ids': text,
    'owner_id': text,
    'owner_name': text,
    'owner_email': text,
    'deal_name': text,
    'stage': text,
    'probability': 'decimal(5, 4)',
    'raw_amount': text,
    'amount': 'decimal(28, 2)',
    'currency': text,
    'is_closed': 'boolean',
    'is_won': 'boolean',
    'close_date': 'date',
    'created_date': 'date',
    'updated_at': 'timestamp',
    'extracted_at': 'timestamp',
    'is_current_version': 'boolean',
    'is_deleted': 'boolean',
    'row_problem': text,
    'notes': text,
} -%}
with

merge_roots as (

    select * from {{ ref('int_account_mapping__merge_roots') }}
    where kind = 'opportunities'

),

opportunities as (

    {{ account_mapping.crm_records('opportunities', opportunity_columns) }}

),

ranked as (

    {{ account_mapping.ranked_records('opportunities', ['source_relation', 'source_opportunity_id'], [
        'source_account_id', 'merged_source_opportunity_ids', 'raw_amount', 'currency', 'is_closed', 'is_won',
        'close_date', 'created_date', 'deal_name', 'stage', 'probability', 'owner_id', 'owner_name', 'owner_email',
    ]) | indent(4) }}

),

survivors as (

    {{ account_mapping.survivors('merge_roots', 'ranked', 'source_opportunity_id') | indent(4) }}

),

final as (

    -- a deal that was merged into another one is in it with all that it had
    select
        ranked.source_relation,
        ranked.source_table,
        ranked.source_opportunity_id,
        ranked.source_account_id,
        ranked.owner_id,
        ranked.owner_name,
        ranked.owner_email,
        ranked.deal_name,
        ranked.stage,
        ranked.probability,
        ranked.raw_amount,
        ranked.amount,
        ranked.currency,
        ranked.is_closed,
        ranked.is_won,
        ranked.close_date,
        ranked.created_date,
        ranked.updated_at,
        ranked.extracted_at,
        ranked.row_problem,
        ranked.notes,
        ranked.version_rank,
        case
            when ranked.version_rank = 1 and survivors.surviving_state = 'current' then 'merged'
            when ranked.version_rank = 1 and survivors.surviving_state = 'deleted' then 'deleted'
            else ranked.record_state
        end as record_state

    from ranked
    left join survivors
        on
            ranked.source_relation = survivors.source_relation
            and ranked.source_opportunity_id = survivors.source_id

)

select * from final
