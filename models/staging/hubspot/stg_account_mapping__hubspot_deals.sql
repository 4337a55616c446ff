{{ config(enabled='hubspot' in var('account_mapping__crms', [])) }}

with

source as (

    {{ stage_columns('hubspot', 'deal', candidates={
        'source_opportunity_id': ['deal_id', 'id', 'record id', 'record id - deal'],
        'source_account_ids': [
            'companies', 'associations_companies', 'associated company ids', 'associated company ids (primary)',
        ],
        'pipeline_id': ['deal_pipeline_id'] + hubspot_property('pipeline'),
        'stage': ['deal_pipeline_stage_id'] + hubspot_property('dealstage', ['deal stage']),
        'amount': hubspot_property('amount'),
        'currency': hubspot_property('deal_currency_code', ['currency']),
        'is_closed': hubspot_property('hs_is_closed', ['is deal closed?', 'is closed']),
        'is_won': hubspot_property('hs_is_closed_won', ['is closed won']),
        'close_date': hubspot_property('closedate', ['close date']),
        'created_date': hubspot_property('createdate', ['create date', 'createdat']),
        'is_deleted': ['is_deleted', 'archived'],
        'is_deleted_by_loader': ['_fivetran_deleted'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ clean_id('source_opportunity_id') }} as source_opportunity_id,
        {{ clean_text('source_account_ids') }} as source_account_ids,
        {{ clean_id('pipeline_id') }} as pipeline_id,

        ---------- strings
        {{ clean_id('stage') }} as stage,
        {{ clean_text('amount') }} as raw_amount,
        {{ clean_text('currency') }} as currency,

        ---------- numerics
        {{ to_decimal('amount') }} as amount,

        ---------- booleans
        {{ to_boolean('is_closed') }} as is_closed,
        {{ to_boolean('is_won') }} as is_won,
        coalesce({{ to_boolean('is_deleted') }}, false)
        or coalesce({{ to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ to_boolean('is_current_version') }}, true) as is_current_version,

        ---------- timestamps
        {{ to_date('close_date') }} as close_date,
        {{ to_date('created_date') }} as created_date

    from source

)

select * from renamed
