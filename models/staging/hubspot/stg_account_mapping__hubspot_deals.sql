{{ config(enabled='hubspot' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('hubspot', 'deal', candidates={
        'source_opportunity_id': ['deal_id', 'id', 'record id', 'record id - deal'],
        'source_account_ids': [
            'companies', 'associations_companies', 'associated company ids', 'associated company ids (primary)',
        ],
        'pipeline_id': ['deal_pipeline_id'] + account_mapping.hubspot_property('pipeline'),
        'stage': ['deal_pipeline_stage_id'] + account_mapping.hubspot_property('dealstage', ['deal stage']),
        'amount': account_mapping.hubspot_property('amount'),
        'currency': account_mapping.hubspot_property('deal_currency_code', ['currency']),
        'is_closed': account_mapping.hubspot_property('hs_is_closed', ['is deal closed?', 'is closed']),
        'is_won': account_mapping.hubspot_property('hs_is_closed_won', ['is closed won']),
        'close_date': account_mapping.hubspot_property('closedate', ['close date']),
        'created_date': account_mapping.hubspot_property('createdate', ['create date', 'createdat']),
        'is_deleted': ['is_deleted', 'archived'],
        'is_deleted_by_loader': ['_fivetran_deleted'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.clean_id('source_opportunity_id') }} as source_opportunity_id,
        {{ account_mapping.clean_text('source_account_ids') }} as source_account_ids,
        {{ account_mapping.clean_id('pipeline_id') }} as pipeline_id,

        ---------- strings
        {{ account_mapping.clean_id('stage') }} as stage,
        {{ account_mapping.clean_text('amount') }} as raw_amount,
        {{ account_mapping.clean_text('currency') }} as currency,

        ---------- numerics
        {{ account_mapping.to_decimal('amount') }} as amount,

        ---------- booleans
        {{ account_mapping.to_boolean('is_closed') }} as is_closed,
        {{ account_mapping.to_boolean('is_won') }} as is_won,
        coalesce({{ account_mapping.to_boolean('is_deleted') }}, false)
        or coalesce({{ account_mapping.to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ account_mapping.to_boolean('is_current_version') }}, true) as is_current_version,

        ---------- timestamps
        {{ account_mapping.to_date('close_date') }} as close_date,
        {{ account_mapping.to_date('created_date') }} as created_date

    from source

)

select * from renamed
